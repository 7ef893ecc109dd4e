#include "libhookcore/fuse/supervise.h"

int main(int argc, char** argv) { return hookcore::fuse::run_helper({argv, argv + argc}); }
