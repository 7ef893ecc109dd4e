#include "libhookcore/overlay/mask_layer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::overlay {
namespace {

constexpr const char* kOpaqueTrusted = "trusted.overlay.opaque";
constexpr const char* kOpaqueUser = "user.overlay.opaque";

std::string join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty()) path += '/';
  return path.append(name);
}

bool is_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

bool is_copied_xattr(std::string_view name) {
  return !name.starts_with("security.") && !name.starts_with("trusted.overlay.") &&
         !name.starts_with("user.overlay.");
}

bool is_shortage(int error) { return error == ENOMEM || error == ENOSPC || error == EIO; }

[[noreturn]] void fail(std::string_view call, std::string_view path, int error) {
  throw SystemError(call, join("mask layer: ", path), error, Code::kScratch,
                    error == ENOSPC
                        ? "too many masks for the memory of this machine: exclude whole "
                          "directories instead of single files"
                        : "");
}

}  // namespace

struct ::stat copy_metadata(int source_fd, int target_fd, std::string_view path) {
  const struct ::stat status = sys::stat_fd(source_fd, path);
  const struct ::stat made = sys::stat_fd(target_fd, path);
  // Each is a transaction of the file system's journal, even where nothing changes.
  const bool same_owner = made.st_uid == status.st_uid && made.st_gid == status.st_gid;
  if (!same_owner && ::fchown(target_fd, status.st_uid, status.st_gid) != 0 && errno != EPERM &&
      errno != EINVAL) {
    throw SystemError("fchown", path, errno);
  }
  const bool same_mode = same_owner && made.st_mode == status.st_mode;
  if (!same_mode && ::fchmod(target_fd, status.st_mode & 07777) != 0) {
    throw SystemError("fchmod", path, errno);
  }
  const sys::UniqueFd readable(
      sys::plain_openat(source_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable && errno != EACCES && errno != EPERM) throw SystemError("openat", path, errno);
  if (!readable) return status;
  for (const std::string& name : sys::list_xattrs(readable.get())) {
    if (!is_copied_xattr(name)) continue;
    const auto value = sys::get_xattr(readable.get(), name);
    if (!value || sys::set_xattr(target_fd, name, *value)) continue;
    // Without the list of access rights that it has, a directory would be open to more.
    if (is_shortage(errno)) throw SystemError("fsetxattr", path, errno, Code::kScratch);
  }
  return status;
}

void copy_times(const struct ::stat& source, int target_fd, std::string_view path) {
  const std::array<struct ::timespec, 2> times{source.st_atim, source.st_mtim};
  if (::futimens(target_fd, times.data()) != 0) throw SystemError("futimens", path, errno);
}

MaskLayer::MaskLayer(int root_fd, int source_fd, Options options)
    : root_(sys::reopen_directory(root_fd)), source_fd_(source_fd), options_(std::move(options)) {
  root_status_ = copy_metadata(source_fd_, root_.get(), "");
}

void MaskLayer::mask(const ignore::SourceDirectory& directory, std::string_view name,
                     ignore::EntryType) {
  const std::lock_guard lock(mutex_);
  const std::string path = join(directory.path, name);
  const int parent = directory_for(std::string(directory.path));
  if (is_anchor_or_above(path)) {
    opaque_directory(parent, std::string(name), path);
  } else {
    whiteout(parent, std::string(name));
  }
  ++masks_;
}

bool MaskLayer::is_anchor_or_above(const std::string& path) const {
  return std::any_of(options_.anchors.begin(), options_.anchors.end(), [&](const Anchor& anchor) {
    return anchor.path == path || is_below(anchor.path, path);
  });
}

// Masks of one directory come one after another, so the latest directory is nearly always the one.
int MaskLayer::directory_for(const std::string& path) {
  if (path.empty()) return root_.get();
  if (path == cached_path_ && cached_fd_) return cached_fd_.get();
  sys::UniqueFd current;
  for (size_t end = 0; end != path.size();) {
    const size_t begin = end == 0 ? 0 : end + 1;
    const size_t slash = path.find('/', begin);
    end = slash == std::string::npos ? path.size() : slash;
    const std::string name = path.substr(begin, end - begin);
    const int parent = current ? current.get() : root_.get();
    current = copy_directory(parent, name, path.substr(0, end));
  }
  cached_path_ = path;
  cached_fd_ = std::move(current);
  return cached_fd_.get();
}

sys::UniqueFd MaskLayer::copy_directory(int parent_fd, const std::string& name,
                                        const std::string& path) {
  const bool made = ::mkdirat(parent_fd, name.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) fail("mkdirat", path, errno);
  sys::UniqueFd fd =
      sys::open_at(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kStrict);
  if (!made) return fd;
  const sys::UniqueFd original =
      sys::open_at(source_fd_, path, O_PATH | O_DIRECTORY, sys::Resolve::kNoLinks);
  const struct ::stat status = copy_metadata(original.get(), fd.get(), path);
  directories_.emplace(path, std::array{status.st_atim, status.st_mtim});
  return fd;
}

void MaskLayer::whiteout(int dirfd, const std::string& name) {
  // One inode for all: linkat is cheaper than mknod, and the layer stays small in memory.
  if (linked_directory_) {
    if (::linkat(linked_directory_.get(), linked_name_.c_str(), dirfd, name.c_str(), 0) == 0)
      return;
    if (errno == EEXIST) return;
    if (errno != EMLINK) fail("linkat", name, errno);
  }
  if (::mknodat(dirfd, name.c_str(), S_IFCHR, ::makedev(0, 0)) != 0 && errno != EEXIST) {
    fail("mknodat", name, errno);
  }
  linked_directory_ = sys::reopen_directory(dirfd);
  linked_name_ = name;
}

// The engine mounts something here although a rule hides it: an empty place instead of a whiteout.
void MaskLayer::opaque_directory(int dirfd, const std::string& name, const std::string& path) {
  const auto file =
      std::find_if(options_.anchors.begin(), options_.anchors.end(),
                   [&](const Anchor& anchor) { return anchor.path == path && !anchor.directory; });
  if (file != options_.anchors.end()) {
    const sys::UniqueFd made = sys::open_at(dirfd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW,
                                            sys::Resolve::kStrict, 0644);
    return;
  }
  const sys::UniqueFd fd = copy_directory(dirfd, name, path);
  const char* attribute = options_.user_xattr ? kOpaqueUser : kOpaqueTrusted;
  if (!sys::set_xattr(fd.get(), attribute, "y")) {
    fail("fsetxattr", path, errno);
  }
  make_anchors_below(path, fd.get());
}

void MaskLayer::make_anchors_below(const std::string& path, int fd) {
  for (const Anchor& anchor : options_.anchors) {
    if (!is_below(anchor.path, path)) continue;
    std::string_view rest = std::string_view(anchor.path).substr(path.size() + 1);
    std::string at = path;
    sys::UniqueFd current = sys::reopen_directory(fd);
    while (!rest.empty()) {
      const size_t slash = rest.find('/');
      const std::string name(rest.substr(0, slash));
      at = join(at, name);
      const bool last = slash == std::string_view::npos;
      rest.remove_prefix(last ? rest.size() : slash + 1);
      if (last && !anchor.directory) {
        const sys::UniqueFd made = sys::open_at(
            current.get(), name, O_CREAT | O_WRONLY | O_NOFOLLOW, sys::Resolve::kStrict, 0644);
      } else {
        current = copy_directory(current.get(), name, at);
      }
    }
  }
}

void MaskLayer::finish() {
  cached_fd_.reset();
  cached_path_.clear();
  // Children before parents is not needed: setting times changes no other directory's.
  for (const auto& [path, times] : directories_) {
    const sys::UniqueFd fd =
        sys::open_at(root_.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kStrict);
    if (::futimens(fd.get(), times.data()) != 0) fail("futimens", path, errno);
  }
  copy_times(root_status_, root_.get(), "mask layer");
}

}  // namespace hookcore::overlay
