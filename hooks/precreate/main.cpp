#include "libhookcore/hook/precreate.h"
#include "libhookcore/hook/program.h"

int main() {
  return hookcore::hook::run_program("oci-cnb-precreate", hookcore::hook::run_precreate_hook);
}
