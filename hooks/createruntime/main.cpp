#include <cstring>

#include "libhookcore/hook/mount_hook.h"
#include "libhookcore/hook/program.h"

// The stage can't be told from the state document, so the registration says it.
int main(int argc, char** argv) {
  const bool inside = argc > 1 && std::strcmp(argv[1], "--stage=createContainer") == 0;
  return hookcore::hook::run_program(
      "oci-cnb-createruntime",
      inside ? hookcore::hook::run_mount_hook_inside : hookcore::hook::run_mount_hook);
}
