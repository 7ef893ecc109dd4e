#include "libhookcore/hook/workspace_place.h"

#include <fcntl.h>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/sys/file.h"

namespace hookcore::hook {

WorkspacePlace::WorkspacePlace(const sys::Proc& proc, const Rootfs& rootfs, std::string path)
    : proc_(proc),
      rootfs_(rootfs),
      path_(std::move(path)),
      mounts_(proc),
      rootfs_mount_(mounts_.of(rootfs.fd())),
      there_(rootfs.directory(path_)) {
  if (there_) there_mount_ = mounts_.of(there_->get());
}

std::optional<EngineMount> WorkspacePlace::engine_mount() const {
  if (!there_ || !sys::is_mount_root(proc_, there_->get())) return std::nullopt;
  return EngineMount{there_->get(), there_mount_};
}

WorkspacePlace::Pauses WorkspacePlace::pause_propagation(report::Log& log) {
  Pauses pauses;
  if (rootfs_mount_.shared) {
    log.debug("the rootfs is shared: propagation paused");
    pauses.push_back(std::make_unique<sys::PropagationPause>(proc_, rootfs_.fd()));
  }
  if (!there_) return pauses;
  // The workspace may lie on another of the engine's mounts.
  for (std::optional mount = there_mount_; mount && mount->id != rootfs_mount_.id;
       mount = mount->parent == rootfs_mount_.id ? std::nullopt : mounts_.find(mount->parent)) {
    if (!mount->shared) continue;
    const sys::UniqueFd root =
        sys::open_at(AT_FDCWD, mount->mount_point, O_PATH, sys::Resolve::kHost);
    // Something is mounted over it: then it is not where the workspace's path leads.
    if (mounts_.of(root.get()).id != mount->id) continue;
    pauses.push_back(std::make_unique<sys::PropagationPause>(proc_, root.get()));
  }
  return pauses;
}

void WorkspacePlace::put(sys::MountApi& api, int workspace, sys::UniqueFd tmpfs,
                         const std::vector<sys::UniqueFd>& spent, int scratch) {
  stand_bin(api, std::move(tmpfs), scratch);
  for (const sys::UniqueFd& mount : spent) bin_->drop(mount.get());
  const sys::UniqueFd target = take_engine_mounts_away();
  if (!bin_stays_) bin_->empty();
  api.attach(workspace, target.get());
}

// On the session's work directory, which nobody looks into by its path, below the root that the
// runtime gives up when it pivots: the kernel's wait for its readers is then the runtime's own.
// Where that isn't so everything goes at once, from the rootfs.
void WorkspacePlace::stand_bin(sys::MountApi& api, sys::UniqueFd tmpfs, int scratch) {
  std::optional<sys::UniqueFd> place;
  if (ends_with_old_root(scratch)) {
    place =
        sys::try_open_at(scratch, overlay::kWorkName, O_PATH | O_DIRECTORY, sys::Resolve::kStrict);
  }
  bin_stays_ = place.has_value();
  bin_ = api.make_bin(std::move(tmpfs), place ? place->get() : rootfs_.fd());
}

// In a shared mount the host would see it too, and in one that is the rootfs, or stands in it, the
// container.
bool WorkspacePlace::ends_with_old_root(int fd) {
  const sys::MountInfo mount = mounts_.of(fd);
  return !mount.shared && !is_within(mount.mount_point, rootfs_mount_.mount_point);
}

// The directory that comes to light.
sys::UniqueFd WorkspacePlace::take_engine_mounts_away() {
  int mount = there_->get();
  // An engine may have mounted more than once.
  for (sys::UniqueFd next;;) {
    if (!bin_->take_away(mount)) {
      throw Error(Code::kSource, "the engine's mount is locked and would stay below the overlay",
                  path_);
    }
    auto found = rootfs_.directory(path_);
    if (!found) throw Error(Code::kLayout, path_ + " vanished");
    if (!sys::is_mount_root(proc_, found->get())) return std::move(*found);
    next = std::move(*found);
    mount = next.get();
  }
}

void WorkspacePlace::leave_bin() {
  if (bin_stays_) bin_->leave();
}

}  // namespace hookcore::hook
