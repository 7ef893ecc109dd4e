#pragma once

#include <sys/types.h>

#include <string>

#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/mount.h"

/// fuse-overlayfs beside a container: the mount hook makes the mount and starts a helper
/// (oci-cnb-fuse), which starts fuse-overlayfs and watches it. Neither is in the container: they
/// have a mount namespace of their own, in which the layers stand at fixed places, so that no
/// option names a path of the user, and nothing but the descriptors below.
namespace hookcore::fuse {

/// What the helper is called; it lies beside the hook.
inline constexpr const char* kHelperName = "oci-cnb-fuse";

/// Descriptors that the helper is started with, beside three of /dev/null.
inline constexpr int kDeviceFd = 3;   ///< /dev/fuse, of the mount
inline constexpr int kHookFd = 4;     ///< a socket to the hook: see Launch
inline constexpr int kLogFd = 5;      ///< directory of hooks.log
inline constexpr int kSessionFd = 6;  ///< the session's directory

/// A directory of every host, covered in the helper's mount namespace.
inline constexpr const char* kStage = "/tmp";
/// The layers below it: roots of mounts.
inline constexpr const char* kMaskPlace = "mask";
inline constexpr const char* kSourcePlace = "source";
inline constexpr const char* kScratchPlace = "scratch";

struct Plan {
  sys::FuseOptions mount;  ///< device is filled in
  // Roots of mounts, as sys::MountApi makes them.
  int mask = -1;           ///< what has overlay::kMaskName in it
  int source = -1;         ///< read-only in the helper's namespace
  int scratch = -1;        ///< upper and work; -1: a workspace that cannot be written
  std::string rootfs;      ///< path of the container's root, taken out of the helper's sight
  std::string program;     ///< path of the helper
  std::string container;   ///< for the log
  std::string session;     ///< likewise
  int log_directory = -1;  ///< -1: none
  int session_directory = -1;
};

/// A running helper that has not been told yet that its mount is used: it ends when this object
/// does.
class Launch {
 public:
  /// Call it in the container's mount namespace before the pivot, outside of its pid namespace, in
  /// a process of one thread. Returns when the workspace answers. Throws Error(kSystem) with the
  /// reason where it can't be had.
  Launch(sys::MountApi& api, Plan plan);

  /// Root of the mount, attached nowhere.
  int mount() const { return mount_.get(); }
  sys::UniqueFd take_mount() { return std::move(mount_); }
  pid_t pid() const { return pid_; }
  /// The mount stands in the container: from here on the helper ends with it. Throws Error when the
  /// helper can't be told, and so gives the mount up.
  void keep();

 private:
  [[noreturn]] void fail(const char* call);

  sys::UniqueFd mount_;
  sys::UniqueFd socket_;
  pid_t pid_ = 0;
};

/// Where fuse-overlayfs is: among the directories of programs that the administrator installs, in
/// which nobody else can have put it. Empty: it isn't installed. Throws Error where that can't be
/// told.
std::string find_program();

/// /dev/fuse, opened. Throws Error(kSystem) that says what is wrong with it.
sys::UniqueFd open_device();

}  // namespace hookcore::fuse
