#include "libhookcore/fuse/trial.h"

#include "libhookcore/base/error.h"
#include "libhookcore/base/way.h"
#include "libhookcore/overlay/trial.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::fuse {

void require_available() {
  try {
    if (find_program().empty()) {
      throw WayRefused("fuse-overlayfs is not installed", "install fuse-overlayfs");
    }
  } catch (const Error& error) {
    throw WayRefused(error.what());
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
  const std::string what = "fuse-overlayfs doesn't work here: ";
  try {
    overlay::Trial::exercise(daemon.mount());
  } catch (const SystemError& error) {
    // A disk that is full now says nothing about the next container.
    throw WayRefused(what + error.what(), {}, sys::is_about_ability(error.error_number()));
  } catch (const Error& error) {
    throw WayRefused(what + error.what(), {}, true);
  }
}

}  // namespace hookcore::fuse
