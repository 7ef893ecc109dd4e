#include "libhookcore/hook/rootfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/hook/container.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {
namespace {

std::string link_target(int fd) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(fd, "", target.data(), target.size());
  return size < 0 ? "?" : std::string(target.data(), static_cast<size_t>(size));
}

bool is_kernel_filesystem(int64_t type) {
  return type == PROC_SUPER_MAGIC || type == SYSFS_MAGIC || type == CGROUP_SUPER_MAGIC ||
         type == CGROUP2_SUPER_MAGIC;
}

[[noreturn]] void not_a_directory(int fd, const std::string& path, mode_t mode) {
  if (S_ISLNK(mode)) {
    throw Error(Code::kLayout, path + " is a link to " + quote(link_target(fd)),
                "the image's file system",
                "make it a directory in the image, or name another place with workspace-path");
  }
  throw Error(Code::kLayout, path + " is not a directory", "the image's file system",
              "make it a directory in the image");
}

constexpr mode_t kMode = 0755;

/// The umask of a hook is 077; another one while this lives.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  mode_t before_;
};

// An access control list of the parent may have given a new directory another mode.
void require_mode(int parent, const std::string& name, const std::string& path) {
  const auto status = sys::stat_at(parent, name);
  if (!status || (status->st_mode & 07777) == kMode || !S_ISDIR(status->st_mode)) return;
  const sys::UniqueFd directory =
      sys::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kNoLinks);
  if (::fchmod(directory.get(), kMode) != 0) {
    throw SystemError("fchmod", path, errno, Code::kLayout);
  }
}

}  // namespace

Rootfs::Rootfs(const sys::Proc& proc, const std::string& path)
    : path_(path), fd_(sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, sys::Resolve::kHost)) {
  if (!sys::is_mount_root(proc, fd_.get())) {
    throw Error(Code::kConfig, "the container's rootfs is not mounted yet", quote(path),
                kStageRemedy);
  }
}

void Rootfs::require_uncovered() const {
  const sys::UniqueFd seen =
      sys::open_at(AT_FDCWD, path_, O_PATH | O_DIRECTORY, sys::Resolve::kHost);
  if (sys::is_same_object(seen.get(), fd_.get(), path_)) return;
  throw Error(Code::kSystem, "what covered the container's rootfs could not be taken off",
              quote(path_));
}

Rootfs::~Rootfs() {
  for (const Made& made : made_) {
    if (::unlinkat(made.parent.get(), made.name.c_str(), AT_REMOVEDIR) == 0 || errno != EBUSY) {
      continue;
    }
    // Something stands on it already.
    try {
      sys::detach_mount(
          sys::open_at(made.parent.get(), made.name, O_PATH | O_NOFOLLOW, sys::Resolve::kNoLinks)
              .get());
    } catch (const Error&) {
      continue;
    }
    ::unlinkat(made.parent.get(), made.name.c_str(), AT_REMOVEDIR);
  }
}

int Rootfs::parent_of(const std::string& path, sys::UniqueFd& opened) const {
  const std::string directory = parent_path(path);
  if (directory == "/") return fd_.get();
  const int fd =
      sys::open_at_raw(fd_.get(), directory, O_PATH | O_DIRECTORY, sys::Resolve::kInRoot);
  if (fd == -ENOENT) return fd;
  if (fd == -ELOOP) {
    throw Error(Code::kLayout, "too many links on the way to " + path, "the image's file system");
  }
  if (fd < 0) throw SystemError("openat2", path, -fd, Code::kLayout);
  opened.reset(fd);
  return fd;
}

std::optional<sys::UniqueFd> Rootfs::directory(const std::string& path) const {
  sys::UniqueFd opened;
  const int parent = parent_of(path, opened);
  return parent < 0 ? std::nullopt : directory_in(parent, path);
}

std::optional<sys::UniqueFd> Rootfs::directory_in(int parent, const std::string& path) const {
  auto found =
      sys::try_open_at(parent, base_name(path), O_PATH | O_NOFOLLOW, sys::Resolve::kNoLinks);
  if (!found) return std::nullopt;
  const struct ::stat status = sys::stat_fd(found->get(), path);
  if (!S_ISDIR(status.st_mode)) not_a_directory(found->get(), path, status.st_mode);
  if (is_kernel_filesystem(sys::filesystem_type(found->get()))) {
    throw Error(Code::kLayout,
                path + " lies on " + sys::filesystem_name(sys::filesystem_type(found->get())),
                "the image's file system");
  }
  return found;
}

sys::UniqueFd Rootfs::ensure_directory(const std::string& path, uid_t uid, gid_t gid) {
  sys::UniqueFd opened;
  int parent = parent_of(path, opened);
  if (parent < 0) {
    throw Error(Code::kLayout, "the directory that should hold " + path + " is absent",
                "the image's file system", "make it in the image");
  }
  if (auto found = directory_in(parent, path)) return std::move(*found);
  const std::string name = base_name(path);
  if (!opened) opened.reset(::fcntl(parent, F_DUPFD_CLOEXEC, 3));
  if (!opened) throw SystemError("fcntl", path, errno, Code::kLayout);
  {
    const sys::FsIdentity identity(uid, gid);
    const Umask mode_as_given(0);
    const bool made = ::mkdirat(opened.get(), name.c_str(), kMode) == 0;
    if (!made && errno != EEXIST) {
      throw SystemError("mkdirat", path, errno, Code::kLayout,
                        "the image has no " + path +
                            " and its file system takes none: make it in "
                            "the image");
    }
    parent = opened.get();
    if (made) made_.push_back({std::move(opened), name});
    require_mode(parent, name, path);
  }
  auto found = directory_in(parent, path);
  if (!found) throw Error(Code::kLayout, path + " vanished", "the image's file system");
  return std::move(*found);
}

}  // namespace hookcore::hook
