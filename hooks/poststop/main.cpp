#include "libhookcore/hook/poststop.h"
#include "libhookcore/hook/program.h"

int main() {
  return hookcore::hook::run_program("oci-cnb-poststop", hookcore::hook::run_poststop_hook);
}
