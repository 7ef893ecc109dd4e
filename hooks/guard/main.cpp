#include "libhookcore/hook/guard.h"
#include "libhookcore/hook/program.h"

int main() { return hookcore::hook::run_program("oci-cnb-guard", hookcore::hook::run_guard_hook); }
