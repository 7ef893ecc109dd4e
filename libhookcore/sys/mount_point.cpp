#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/mount_table.h"

namespace hookcore::sys {

// The C library answers for a kernel without statx(2) from fstatat(2): what that doesn't know is
// told by the masks alone.
std::optional<uint64_t> known_mount_id(int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0) {
    throw SystemError("statx", "mount point", errno);
  }
  if ((status.stx_mask & STATX_MNT_ID) != 0) return status.stx_mnt_id;
  struct file_handle handle {};  // of no length: its size is asked for, and the mount comes with it
  int id = 0;
  if (::name_to_handle_at(fd, "", &handle, &id, AT_EMPTY_PATH) == 0 || errno == EOVERFLOW) {
    return static_cast<uint64_t>(id);
  }
  return std::nullopt;
}

uint64_t mount_id(const Proc& proc, int fd) {
  if (const auto known = known_mount_id(fd)) return *known;
  static constexpr std::string_view kField = "mnt_id:\t";
  const std::string text = proc.read("self/fdinfo/" + std::to_string(fd));
  const size_t at = text.find(kField);
  uint64_t id = 0;
  if (at == std::string::npos ||
      std::from_chars(text.data() + at + kField.size(), text.data() + text.size(), id).ec !=
          std::errc()) {
    throw SystemError("statx", "mount point", ENOSYS);
  }
  return id;
}

bool is_mount_root(const Proc& proc, int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, 0, &status) != 0) {
    throw SystemError("statx", "mount point", errno);
  }
  if ((status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0) {
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  }
  // ".." tells nothing: what covers the directory above would be seen there.
  const uint64_t id = mount_id(proc, fd);
  const std::string path = proc.path_of(fd);
  for (const MountInfo& mount : parse_mountinfo(proc.read("self/mountinfo"))) {
    if (mount.id == id) return mount.mount_point == path;
  }
  return false;
}

MountFlags mount_flags(int fd) {
  struct statvfs vfs {};
  if (uninterrupted([&] { return ::fstatvfs(fd, &vfs); }) != 0)
    throw SystemError("fstatvfs", "mount point", errno);
  MountFlags flags;
  flags.read_only = (vfs.f_flag & ST_RDONLY) != 0;
  flags.no_suid = (vfs.f_flag & ST_NOSUID) != 0;
  flags.no_dev = (vfs.f_flag & ST_NODEV) != 0;
  flags.no_exec = (vfs.f_flag & ST_NOEXEC) != 0;
  flags.no_atime = (vfs.f_flag & ST_NOATIME) != 0;
  return flags;
}

bool is_about_ability(int error) {
  constexpr std::array<int, 7> kAnswers{EPERM, EINVAL, EOPNOTSUPP, ENOSYS, ELOOP, EXDEV, ENODEV};
  return std::find(kAnswers.begin(), kAnswers.end(), error) != kAnswers.end();
}

bool detach_mount(int fd) {
  if (::fchdir(fd) != 0) throw SystemError("fchdir", "mount to take away", errno);
  // Otherwise what is mounted below would also go from the mount's peers: from the host.
  const char* call = "mount";
  int result = ::mount("", ".", nullptr, MS_PRIVATE | MS_REC, nullptr);
  if (result == 0) {
    call = "umount2";
    result = ::umount2(".", MNT_DETACH | UMOUNT_NOFOLLOW);
  }
  const int error = errno;
  if (::chdir("/") != 0) throw SystemError("chdir", "/", errno);
  if (result != 0 && error != EINVAL) throw SystemError(call, "mount to take away", error);
  return result == 0;
}

PropagationPause::PropagationPause(const Proc& proc, int root_fd) : root_fd_(root_fd) {
  // Without a clone that remembers the group (ENOSYS) the mount is private for good.
  peer_.reset(::open_tree(root_fd, "",
                          static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC) |
                              static_cast<unsigned>(AT_EMPTY_PATH)));
  if (::fchdir(proc.fd()) != 0) throw SystemError("fchdir", "/proc", errno);
  const std::string target = "self/fd/" + std::to_string(root_fd);
  const int result = ::mount("", target.c_str(), nullptr, MS_PRIVATE, nullptr);
  const int error = errno;
  if (::chdir("/") != 0) throw SystemError("chdir", "/", errno);
  if (result != 0) throw SystemError("mount", "propagation of the rootfs", error);
}

PropagationPause::~PropagationPause() {
  // Where the kernel can't give the group back the mount stays private: less is seen elsewhere than
  // was asked for, never more.
  if (!peer_) return;
  ::move_mount(peer_.get(), "", root_fd_, "",
               MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH | MOVE_MOUNT_SET_GROUP);
}

}  // namespace hookcore::sys
