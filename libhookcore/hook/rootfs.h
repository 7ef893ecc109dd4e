#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {

/// A container's root file system before the pivot, when every path in it is a host path and its
/// contents are an attacker's. Resolved by descriptor, as chroot would, never as a string.
class Rootfs {
 public:
  /// path: the engine's. Call in the container's mount namespace. Throws Error(kConfig) when there
  /// is no mount: the runtime has not prepared this rootfs.
  Rootfs(const sys::Proc& proc, const std::string& path);

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

  /// The directory at an absolute container path, O_PATH; nullopt when it is absent. Links on the
  /// way resolve inside the rootfs; a link or a file at the end is Error(kLayout), as is procfs,
  /// sysfs or cgroupfs (CVE-2019-19921).
  std::optional<sys::UniqueFd> directory(const std::string& path) const;
  /// The same, made with mode 0755 where it is absent, by the ids given; undone unless keep() is
  /// called. Only the last component is made.
  sys::UniqueFd ensure_directory(const std::string& path, uid_t uid, gid_t gid);
  /// Throws Error when something that was mounted over the rootfs for a while is still there.
  void require_uncovered() const;
  /// What ensure_directory made stays.
  void keep() { made_.clear(); }
  ~Rootfs();
  Rootfs(const Rootfs&) = delete;
  Rootfs& operator=(const Rootfs&) = delete;

 private:
  struct Made {
    sys::UniqueFd parent;
    std::string name;
  };
  /// The directory that holds the last component of path; -ENOENT when it is absent. opened keeps
  /// it open, unless it is the root.
  int parent_of(const std::string& path, sys::UniqueFd& opened) const;
  std::optional<sys::UniqueFd> directory_in(int parent, const std::string& path) const;

  std::string path_;
  sys::UniqueFd fd_;
  std::vector<Made> made_;
};

}  // namespace hookcore::hook
