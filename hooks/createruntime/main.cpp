#include "libhookcore/hook/mount_hook.h"
#include "libhookcore/hook/program.h"

int main() {
  return hookcore::hook::run_program("oci-cnb-createruntime", hookcore::hook::run_mount_hook);
}
