#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::sys {
namespace {

std::string_view next_word(std::string_view& line) {
  const size_t blank = line.find(' ');
  const std::string_view word = line.substr(0, blank);
  line.remove_prefix(blank == std::string_view::npos ? line.size() : blank + 1);
  return word;
}

uint64_t number(std::string_view word) {
  uint64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

// Blank, tab, newline and backslash are written as \040 and so on (proc_pid_mountinfo(5)).
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, value, 8).ptr ==
            text.data() + i + 4) {
      out += static_cast<char>(value);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

MountPoint mount_point(int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0) {
    throw SystemError("statx", "mount point", errno);
  }
  struct statvfs vfs {};
  if (::fstatvfs(fd, &vfs) != 0) throw SystemError("fstatvfs", "mount point", errno);
  MountPoint point;
  point.id = status.stx_mnt_id;
  point.is_root = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  point.flags.read_only = (vfs.f_flag & ST_RDONLY) != 0;
  point.flags.no_suid = (vfs.f_flag & ST_NOSUID) != 0;
  point.flags.no_dev = (vfs.f_flag & ST_NODEV) != 0;
  point.flags.no_exec = (vfs.f_flag & ST_NOEXEC) != 0;
  point.flags.no_atime = (vfs.f_flag & ST_NOATIME) != 0;
  return point;
}

std::vector<MountInfo> parse_mountinfo(std::string_view text) {
  std::vector<MountInfo> mounts;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.empty()) continue;
    MountInfo mount;
    mount.id = number(next_word(line));
    mount.parent = number(next_word(line));
    next_word(line);  // device
    next_word(line);  // root within the file system
    mount.mount_point = unescape(next_word(line));
    next_word(line);  // mount options
    for (std::string_view field = next_word(line); field != "-" && !line.empty();
         field = next_word(line)) {
      if (field.starts_with("shared:")) mount.shared = true;
    }
    mount.type = next_word(line);
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

bool detach_mount(int fd) {
  if (::fchdir(fd) != 0) throw SystemError("fchdir", "mount to take away", errno);
  // Otherwise what is mounted below would also go from the mount's peers: from the host.
  int result = ::mount("", ".", nullptr, MS_PRIVATE | MS_REC, nullptr);
  if (result == 0) result = ::umount2(".", MNT_DETACH | UMOUNT_NOFOLLOW);
  const int error = errno;
  if (::chdir("/") != 0) throw SystemError("chdir", "/", errno);
  if (result != 0 && error != EINVAL) throw SystemError("umount2", "mount to take away", error);
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
