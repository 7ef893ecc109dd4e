#include <unistd.h>

#include "libhookcore/runtime/program.h"

int main(int argc, char** argv) { return hookcore::runtime::run_runtime(argc, argv, environ); }
