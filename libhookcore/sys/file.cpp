#include "libhookcore/sys/file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <ctime>
#include <utility>

#include "libhookcore/sys/directory.h"
#include "libhookcore/sys/open_steps.h"

namespace hookcore::sys {
namespace {

uint64_t resolve_flags(Resolve resolve) {
  switch (resolve) {
    case Resolve::kInRoot:
      return RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    case Resolve::kStrict:
      return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    case Resolve::kNoLinks:
      return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    case Resolve::kHost:
      return RESOLVE_NO_MAGICLINKS;
  }
  return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
}

// xattr values are at most 64 KiB (XATTR_SIZE_MAX), name lists too (XATTR_LIST_MAX).
constexpr size_t kXattrMax = 65536;

// The file has none, or they are not for us to read.
bool has_no_xattrs(int error) {
  return error == EOPNOTSUPP || error == ENODATA || error == EPERM || error == EACCES;
}

// Puts temporary in name's place, where there is a name. ext4 writes a file to disk that is renamed
// over another (auto_da_alloc, ext4(5)): hundreds of microseconds, for a promise not asked for.
bool exchange(int dirfd, const std::string& temporary, const std::string& name) {
  if (::renameat2(dirfd, temporary.c_str(), dirfd, name.c_str(), RENAME_EXCHANGE) != 0)
    return false;
  ::unlinkat(dirfd, temporary.c_str(), 0);
  return true;
}

std::string unique_name(const std::string& name) {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return "." + name + "." + std::to_string(::getpid()) + "." + std::to_string(now.tv_nsec);
}

}  // namespace

int open_at_raw(int dirfd, const std::string& path, int flags, Resolve resolve, mode_t mode) {
  if (path.find('\0') != std::string::npos) return -EINVAL;
  struct open_how how {};
  how.flags = static_cast<uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.mode = (flags & (O_CREAT | O_TMPFILE)) == 0 ? 0 : mode;
  how.resolve = resolve_flags(resolve);
  // EAGAIN: a rename or mount raced with ".." under RESOLVE_IN_ROOT (openat2(2)). EXDEV: a way out,
  // another mount, or what was found has been moved out of dirfd meanwhile, whose name may mean
  // something else by now (Linux, fs/namei.c, complete_walk). Bounded, so that a container that
  // renames all the time can't keep a hook busy for ever.
  constexpr int kTries = 1000;
  int moves = 10;
  for (int left = kTries; left > 0;) {
    const long fd = ::syscall(SYS_openat2, dirfd, path.c_str(), &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno == ENOSYS) {
      // Before Linux 5.6, or a seccomp filter.
      const int stepped = open_by_steps(dirfd, path, flags, resolve, mode);
      if (stepped != -EAGAIN) return stepped;
      --left;
    } else if (errno == EAGAIN) {
      --left;
    } else if (errno != EINTR && (errno != EXDEV || --moves == 0)) {
      return -errno;
    }
  }
  return -EAGAIN;
}

UniqueFd open_at(int dirfd, const std::string& path, int flags, Resolve resolve, mode_t mode) {
  const int fd = open_at_raw(dirfd, path, flags, resolve, mode);
  if (fd < 0) throw SystemError("openat2", path, -fd);
  return UniqueFd(fd);
}

std::optional<UniqueFd> try_open_at(int dirfd, const std::string& path, int flags,
                                    Resolve resolve) {
  const int fd = open_at_raw(dirfd, path, flags, resolve);
  if (fd == -ENOENT) return std::nullopt;
  if (fd < 0) throw SystemError("openat2", path, -fd);
  return UniqueFd(fd);
}

UniqueFd open_named(const std::string& path, int flags, Code code, const std::string& remedy) {
  const int fd = open_at_raw(AT_FDCWD, path, flags, Resolve::kHost);
  if (fd < 0) throw SystemError("open", path, -fd, code, remedy);
  return UniqueFd(fd);
}

int plain_openat(int dirfd, const char* path, int flags, mode_t mode) {
  return uninterrupted([&] { return ::openat(dirfd, path, flags, mode); });
}

int open_below(int root, const std::string& path, int flags, Resolve resolve) {
  constexpr size_t kStep = PATH_MAX - 1;
  if (path.size() <= kStep) {
    return open_at_raw(root, path.empty() ? "." : path, flags, resolve);
  }
  const size_t slash = path.rfind('/', kStep);
  if (slash == std::string::npos) return -ENAMETOOLONG;
  const int opened = open_at_raw(root, path.substr(0, slash), O_PATH | O_DIRECTORY, resolve);
  if (opened < 0) return opened;
  const UniqueFd directory(opened);
  return open_below(directory.get(), path.substr(slash + 1), flags, resolve);
}

UniqueFd open_if_readable(int root, const std::string& path, int flags, Resolve resolve) {
  // ENXIO: a socket. EXDEV: another mount, where none is to be crossed.
  constexpr std::array<int, 7> kAnswers{ENOENT, ENOTDIR, ELOOP, EACCES, EPERM, ENXIO, EXDEV};
  const int fd = open_below(root, path, flags, resolve);
  if (fd >= 0) return UniqueFd(fd);
  if (std::find(kAnswers.begin(), kAnswers.end(), -fd) != kAnswers.end()) return {};
  throw SystemError("openat2", path, -fd);
}

UniqueFd reopen_directory(int fd) {
  UniqueFd directory(plain_openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) throw SystemError("openat", ".", errno);
  return directory;
}

std::vector<std::string> list_directory(int fd) {
  const UniqueFd directory = reopen_directory(fd);
  DirectoryReader reader;
  reader.start(directory.get());
  std::vector<std::string> names;
  for (DirectoryReader::Entry entry; reader.next(entry);) names.emplace_back(entry.name);
  return names;
}

struct ::stat stat_fd(int fd, std::string_view object) {
  struct ::stat status {};
  if (::fstat(fd, &status) != 0) throw SystemError("fstat", object, errno);
  return status;
}

bool is_same_object(int a, int b, std::string_view object) {
  return is_same_object(stat_fd(a, object), stat_fd(b, object));
}

std::optional<struct ::stat> stat_at(int dirfd, const std::string& name) {
  struct ::stat status {};
  if (::fstatat(dirfd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  if (errno == ENOENT) return std::nullopt;
  throw SystemError("fstatat", name, errno);
}

std::string read_all(int fd, size_t max, std::string_view object, Code code) {
  // On the stack, so that a small file touches no more memory than it fills.
  char buffer[32768];
  // No more than is wanted: for a file of sysctl the kernel clears as much as it is asked for.
  const size_t part = max < sizeof buffer ? max + 1 : sizeof buffer;
  std::string bytes;
  while (true) {
    const ssize_t got = ::read(fd, buffer, part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError("read", object, errno, code);
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<size_t>(got));
    if (bytes.size() > max) {
      throw Error(code, "more than " + std::to_string(max) + " bytes", quote(object));
    }
  }
}

void write_all(int fd, std::string_view bytes, std::string_view object) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw SystemError("write", object, errno);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
}

namespace {

// A new file beside name, with these bytes, mode and, where given, owner; put in name's place.
void put_in_place(int dirfd, const std::string& name, std::string_view bytes, mode_t mode,
                  const struct ::stat* owner, bool durable) {
  const std::string temporary = unique_name(name);
  UniqueFd file =
      open_at(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, Resolve::kStrict, mode);
  try {
    // Before the mode: a change of owner takes set-id bits away.
    if (owner != nullptr && ::fchown(file.get(), owner->st_uid, owner->st_gid) != 0) {
      throw SystemError("fchown", name, errno);
    }
    // The umask of a hook is 077; the caller's mode is meant.
    if (::fchmod(file.get(), mode) != 0) throw SystemError("fchmod", name, errno);
    write_all(file.get(), bytes, name);
    if (durable && uninterrupted([&] { return ::fsync(file.get()); }) != 0)
      throw SystemError("fsync", name, errno);
    if (durable || !exchange(dirfd, temporary, name)) {
      if (::renameat(dirfd, temporary.c_str(), dirfd, name.c_str()) != 0) {
        throw SystemError("renameat", name, errno);
      }
    }
  } catch (...) {
    ::unlinkat(dirfd, temporary.c_str(), 0);
    throw;
  }
  if (!durable) return;
  const UniqueFd directory = reopen_directory(dirfd);
  if (uninterrupted([&] { return ::fsync(directory.get()); }) != 0)
    throw SystemError("fsync", name, errno);
}

}  // namespace

void replace_file(int dirfd, const std::string& name, std::string_view bytes, mode_t mode,
                  Durability durability) {
  put_in_place(dirfd, name, bytes, mode, nullptr, durability == Durability::kDurable);
}

void replace_file_like(int dirfd, const std::string& name, std::string_view bytes,
                       const struct ::stat& like, Durability durability) {
  put_in_place(dirfd, name, bytes, like.st_mode & 07777U, &like,
               durability == Durability::kDurable);
}

int rename_to_free_name(int from_dirfd, const std::string& from, int to_dirfd,
                        const std::string& to) {
  if (::renameat2(from_dirfd, from.c_str(), to_dirfd, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  // The C library says EINVAL for ENOSYS, and so does a file system that knows no flags.
  if (errno != EINVAL) return -errno;
  // The name is taken first, by what a rename may replace or by what it would give.
  struct ::stat status {};
  if (::fstatat(from_dirfd, from.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
  if (!S_ISDIR(status.st_mode)) {
    if (::linkat(from_dirfd, from.c_str(), to_dirfd, to.c_str(), 0) != 0) return -errno;
    return ::unlinkat(from_dirfd, from.c_str(), 0) == 0 ? 0 : -errno;
  }
  if (::mkdirat(to_dirfd, to.c_str(), 0700) != 0) return -errno;
  if (::renameat(from_dirfd, from.c_str(), to_dirfd, to.c_str()) == 0) return 0;
  const int error = errno;
  ::unlinkat(to_dirfd, to.c_str(), AT_REMOVEDIR);
  return -error;
}

std::vector<std::string> list_xattrs(int fd) {
  std::string names(1024, '\0');
  ssize_t size = ::flistxattr(fd, names.data(), names.size());
  if (size < 0 && errno == ERANGE) {
    names.resize(kXattrMax);
    size = ::flistxattr(fd, names.data(), names.size());
  }
  if (size < 0 && !has_no_xattrs(errno)) throw SystemError("flistxattr", "a file", errno);
  if (size < 0) return {};
  std::vector<std::string> out;
  const std::string_view list(names.data(), static_cast<size_t>(size));
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = list.find('\0', begin);
    out.emplace_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::optional<std::string> get_xattr(int fd, const std::string& name) {
  std::string value(256, '\0');
  ssize_t size = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
  if (size < 0 && errno == ERANGE) {
    value.resize(kXattrMax);
    size = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
  }
  if (size < 0 && !has_no_xattrs(errno)) throw SystemError("fgetxattr", name, errno);
  if (size < 0) return std::nullopt;
  value.resize(static_cast<size_t>(size));
  return value;
}

bool set_xattr(int fd, const std::string& name, std::string_view value) {
  return ::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0;
}

int64_t filesystem_type(int fd) {
  struct statfs status {};
  if (uninterrupted([&] { return ::fstatfs(fd, &status); }) != 0)
    throw SystemError("fstatfs", std::to_string(fd), errno);
  return static_cast<int64_t>(status.f_type);
}

std::string filesystem_name(int64_t type) {
  static constexpr std::array<std::pair<int64_t, const char*>, 14> kNames{{
      {0xEF53, "ext4"},
      {0x58465342, "xfs"},
      {0x9123683E, "btrfs"},
      {0x01021994, "tmpfs"},
      {0x65735546, "fuse"},
      {0x794C7630, "overlay"},
      {0x6969, "nfs"},
      {0x01021997, "9p"},
      {0x4D44, "vfat"},
      {0xE0F5E1E2, "erofs"},
      {0x73717368, "squashfs"},
      {0x2FC12FC1, "zfs"},
      {0x9FA0, "proc"},
      {0x62656572, "sysfs"},
  }};
  for (const auto& [known, name] : kNames) {
    if (known == type) return name;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "file system 0x%llx",
                static_cast<unsigned long long>(type));
  return text.data();
}

}  // namespace hookcore::sys
