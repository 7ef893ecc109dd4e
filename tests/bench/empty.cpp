// What starting and ending any program of this link mode costs: the floor of every hook.
int main() { return 0; }
