#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/process.h"

/// Mounts by descriptor. Two implementations behind one class: the mount API of Linux 5.2
/// (mount_new.cpp), and mount(2) for kernels or seccomp filters that lack a call
/// (mount_legacy.cpp). No mount is ever made on, or from, a path that could be swapped meanwhile.
namespace hookcore::sys {

/// Attributes of one mount (mount_setattr(2)); those that are false are left as they are.
struct MountFlags {
  bool read_only = false;
  bool no_suid = false;
  bool no_dev = false;
  bool no_exec = false;
  bool no_atime = false;
};

struct TmpfsOptions {
  std::optional<uint64_t> size_bytes;  ///< nullopt: the kernel's default, half of memory
  std::string source = "tmpfs";        ///< what mountinfo calls it
};

struct OverlayOptions {
  std::vector<int> lowers;   ///< topmost first; at least two without an upper (overlayfs)
  int upper = -1;            ///< -1: read-only
  int work = -1;             ///< on the same mount as upper
  bool user_xattr = false;   ///< mandatory in a user namespace
  bool is_volatile = false;  ///< no sync of upper's file system at umount
  std::string source;        ///< what mountinfo calls it; empty: as the kernel does
};

struct FuseOptions {
  int device = -1;     ///< /dev/fuse, opened in the user namespace that mounts (fs/fuse/inode.c)
  std::string source;  ///< what mountinfo calls it
};
/// What mountinfo calls the type of such a mount.
inline constexpr const char* kFuseType = "fuse.oci-cnb";

/// The kernel (or a seccomp filter) lacks a call, or won't take layers that are attached nowhere
/// (before Linux 6.15): the other implementation may serve.
class MountApiUnavailable : public std::exception {
 public:
  explicit MountApiUnavailable(std::string reason) : reason_(std::move(reason)) {}
  const char* what() const noexcept override { return reason_.c_str(); }

 private:
  std::string reason_;
};

/// Where mounts go that nobody needs any more. The kernel waits for its readers (RCU) whenever a
/// tree of mounts goes; here they all go at once: with this object, or, once they are left, with
/// the tree in which it stands.
class MountBin {
 public:
  virtual ~MountBin() = default;
  MountBin() = default;
  MountBin(const MountBin&) = delete;
  MountBin& operator=(const MountBin&) = delete;

  /// A mount of the same MountApi that was never attached. Its descriptor goes on to be usable.
  virtual void drop(int mount_fd) = 0;
  /// A mount that stands somewhere, with all that is mounted below it: as detach_mount().
  virtual bool take_away(int mount_fd) = 0;
  /// What the end of this object does, with an error where that can't be done.
  virtual void empty() = 0;
  /// Everything stays in place, hidden behind the last mount that came in.
  virtual void leave() = 0;
};

/// Makes mounts that nobody sees until they are attached. A mount is a descriptor of its root
/// directory; what is never attached goes when the descriptor and this object are gone.
class MountApi {
 public:
  virtual ~MountApi() = default;
  MountApi() = default;
  MountApi(const MountApi&) = delete;
  MountApi& operator=(const MountApi&) = delete;

  virtual std::string_view name() const = 0;
  virtual UniqueFd tmpfs(const TmpfsOptions& options) = 0;
  /// A second mount of what fd (a directory or file) shows: private, or, if recursive, with the
  /// mounts below it and each with the propagation it has.
  virtual UniqueFd clone(int fd, bool recursive) = 0;
  virtual void set_flags(int mount_fd, const MountFlags& flags) = 0;
  /// Shows mount (made by clone, directory) through a user namespace's id map; mount may become
  /// another descriptor. false: the kernel, the file system or our privileges don't allow it.
  virtual bool idmap(UniqueFd& mount, int user_namespace_fd) = 0;
  virtual UniqueFd overlay(const OverlayOptions& options) = 0;
  /// A directory that whoever reads the device shows to all users; permissions are the kernel's to
  /// check. What looks into it waits until somebody reads, and gets an error once nobody will.
  virtual UniqueFd fuse(const FuseOptions& options) = 0;
  /// Puts the mount on target (a descriptor of a directory or file).
  virtual void attach(int mount_fd, int target_fd) = 0;
  /// tmpfs: what tmpfs() made and is to go as well; a directory is made in it. stage_fd: the
  /// directory that it covers until the bin is gone. Nobody may look into that meanwhile.
  virtual std::unique_ptr<MountBin> make_bin(UniqueFd tmpfs, int stage_fd) = 0;
};

/// Throws MountApiUnavailable when one of the calls isn't there: before anything was changed.
std::unique_ptr<MountApi> make_new_mount_api();
/// Works on a tmpfs that covers stage_fd, the directory that stage_path names on the host, until
/// the object is destroyed. Nobody may look into it meanwhile: the container's rootfs before the
/// pivot.
std::unique_ptr<MountApi> make_legacy_mount_api(const Proc& proc, int stage_fd,
                                                const std::string& stage_path);

/// Whether an answer is about what the kernel, the file system or our privileges can do. Any other
/// (no room, no memory) may be another one the next time, and is no reason to go another way.
bool is_about_ability(int error);

/// Takes the mount away whose root fd is, with all that is mounted below it (umount2(2) with
/// MNT_DETACH). That is seen nowhere else, unless the mount that it stands on is shared. Changes
/// the working directory to "/". false when the kernel holds it locked (mount_namespaces(7)).
bool detach_mount(int fd);

/// Which mount fd lies on, as mountinfo counts: by statx(2), or, where that is missing, by
/// name_to_handle_at(2), which some file systems lack (overlay): then nullopt.
std::optional<uint64_t> known_mount_id(int fd);
/// The same, and in the last place from procfs; throws SystemError.
uint64_t mount_id(const Proc& proc, int fd);

/// Whether fd is the root of the mount that it lies on (statx(2), or what mountinfo says).
bool is_mount_root(const Proc& proc, int fd);
/// The flags of the mount that fd lies on (statvfs(3)).
MountFlags mount_flags(int fd);

/// While it lives, the mount that fd lies on takes part in no propagation, so that what is attached
/// below it is seen nowhere else; its peer group is given back at the end where the kernel can
/// (MOVE_MOUNT_SET_GROUP, Linux 5.15).
class PropagationPause {
 public:
  /// root_fd: root of a mount that is shared.
  PropagationPause(const Proc& proc, int root_fd);
  ~PropagationPause();
  PropagationPause(const PropagationPause&) = delete;
  PropagationPause& operator=(const PropagationPause&) = delete;

 private:
  int root_fd_;
  UniqueFd peer_;
};

}  // namespace hookcore::sys
