#include "libhookcore/fuse/trial.h"

#include "libhookcore/base/error.h"
#include "libhookcore/base/way.h"
#include "libhookcore/overlay/trial.h"

namespace hookcore::fuse {

void require_available() {
  if (find_program().empty()) {
    throw WayRefused("fuse-overlayfs is not installed", "install fuse-overlayfs");
  }
  try {
    static_cast<void>(open_device());
  } catch (const Error& error) {
    throw WayRefused(error.what(), "modprobe fuse, and let its device be opened");
  }
}

void try_out(sys::MountApi& api, int scratch_fd,
             const std::function<Launch(int masks, int source, int scratch)>& launch) {
  const overlay::Trial trial(api, scratch_fd);
  const Launch daemon = launch(trial.masks(), trial.source(), trial.scratch());
  try {
    overlay::Trial::exercise(daemon.mount());
  } catch (const Error& error) {
    throw WayRefused(std::string("fuse-overlayfs doesn't work here: ") + error.what(), {}, true);
  }
}

}  // namespace hookcore::fuse
