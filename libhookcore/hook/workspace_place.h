#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libhookcore/hook/rootfs.h"
#include "libhookcore/report/log.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/mount_table.h"

namespace hookcore::hook {

/// What the engine has mounted at the workspace's path.
struct EngineMount {
  int fd;  ///< its root
  const sys::MountInfo& info;
};

/// The workspace's path in a container: what the engine has mounted there, and how ours takes its
/// place.
class WorkspacePlace {
 public:
  /// Call it in the container's mount namespace. proc and rootfs outlive this object. Throws
  /// Error(kLayout) where the path is no directory.
  WorkspacePlace(const sys::Proc& proc, const Rootfs& rootfs, std::string path);

  /// nullopt: nothing is mounted there.
  std::optional<EngineMount> engine_mount() const;
  sys::MountTable& mounts() { return mounts_; }

  using Pauses = std::vector<std::unique_ptr<sys::PropagationPause>>;
  /// An overlay that is put below a shared mount would be seen on the host, and so would the end of
  /// the engine's mount. Hold it until the last mount stands.
  Pauses pause_propagation(report::Log& log);

  /// Takes the engine's mounts away and puts workspace (of api) there. What stayed below could be
  /// uncovered by a container with CAP_SYS_ADMIN. tmpfs, as MountApi::make_bin has it, and spent,
  /// of api too, go as well. scratch: the session's directory. Throws Error(kSource) where the
  /// kernel holds the engine's mount.
  void put(sys::MountApi& api, int workspace, sys::UniqueFd tmpfs,
           const std::vector<sys::UniqueFd>& spent, int scratch);
  /// The container is ready: what has been taken away goes with the old root, and not with this
  /// object.
  void leave_bin();

 private:
  void stand_bin(sys::MountApi& api, sys::UniqueFd tmpfs, int scratch);
  bool ends_with_old_root(int fd);
  sys::UniqueFd take_engine_mounts_away();

  const sys::Proc& proc_;
  const Rootfs& rootfs_;
  std::string path_;
  sys::MountTable mounts_;
  sys::MountInfo rootfs_mount_;
  std::optional<sys::UniqueFd> there_;  ///< what stands at the path
  sys::MountInfo there_mount_;          ///< the mount that it lies on
  std::unique_ptr<sys::MountBin> bin_;
  bool bin_stays_ = false;
};

}  // namespace hookcore::hook
