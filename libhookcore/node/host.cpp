#include "libhookcore/node/host.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/remove.h"

namespace hookcore::node {
namespace {

constexpr size_t kMaxFile = size_t{256} << 20;

/// Of a change that is refused.
std::string remedy_of(int error) {
  if (error == EROFS) return "mount it writable, or change the file where that file system is made";
  if (error == EACCES || error == EPERM) return "run it as the owner of the directory, or as root";
  return error == ENOSPC || error == EDQUOT ? "make room there" : "";
}

/// What root makes is for everybody to read, whatever root's umask; a plain user's own stays the
/// user's choice. A set-group-ID bit that comes from above stays.
void open_to_all(int fd, const std::string& path) {
  if (::geteuid() != 0) return;
  const mode_t mode = (sys::stat_fd(fd, path).st_mode & 07777U) | 0755U;
  if (::fchmod(fd, mode) != 0) throw SystemError("fchmod", path, errno);
}

/// Whoever may read a directory may lock it: it is told, not waited for without end.
void wait_for_lock(int directory, const std::string& path) {
  constexpr int kPause = 10;    // milliseconds
  constexpr int kTries = 6000;  // a minute
  for (int left = kTries; ::flock(directory, LOCK_EX | LOCK_NB) != 0; --left) {
    if (errno != EWOULDBLOCK && errno != EINTR) throw SystemError("flock", path, errno);
    if (left == 0) {
      throw Error(Code::kSystem, "another process holds its lock", quote(path),
                  "lslocks(8) names it");
    }
    ::poll(nullptr, 0, kPause);
  }
}

}  // namespace

Host::Host(const std::string& root)
    : root_(sys::open_at(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost)) {}

sys::UniqueFd Host::make_directory(const std::string& path) const {
  const int flags = O_RDONLY | O_DIRECTORY;
  const int fd = sys::open_at_raw(root_.get(), path, flags, sys::Resolve::kInRoot);
  if (fd >= 0) return sys::UniqueFd(fd);
  if (fd != -ENOENT || path.size() < 2) throw SystemError("openat2", path, -fd);
  const sys::UniqueFd parent = make_directory(parent_path(path));
  const std::string name = base_name(path);
  if (::mkdirat(parent.get(), name.c_str(), 0755) == 0) {
    sys::UniqueFd made =
        sys::open_at(parent.get(), name, flags | O_NOFOLLOW, sys::Resolve::kNoLinks);
    open_to_all(made.get(), path);
    return made;
  }
  const int error = errno;
  if (error != EEXIST) throw SystemError("mkdirat", path, error, Code::kSystem, remedy_of(error));
  return sys::open_at(root_.get(), path, flags, sys::Resolve::kInRoot);
}

std::optional<Host::Place> Host::find(const std::string& path) const {
  auto directory = sys::try_open_at(root_.get(), parent_path(path), O_RDONLY | O_DIRECTORY,
                                    sys::Resolve::kInRoot);
  if (!directory) return std::nullopt;
  return Place{std::move(*directory), base_name(path)};
}

Host::Place Host::make(const std::string& path) const {
  return {make_directory(parent_path(path)), base_name(path)};
}

std::optional<std::string> Host::read(const std::string& path) const {
  const auto file = sys::try_open_at(root_.get(), path, O_RDONLY, sys::Resolve::kInRoot);
  if (!file) return std::nullopt;
  return sys::read_all(file->get(), kMaxFile, path);
}

std::string Host::resolve(const std::string& path) const {
  constexpr int kMaxLinks = 40;  // as the kernel has it
  std::string where = path;
  for (int i = 0; i < kMaxLinks; ++i) {
    const auto target = link(where);
    if (!target) return where;
    where = target->starts_with('/') ? *target : join_path(parent_path(where), *target);
  }
  throw SystemError("readlinkat", path, ELOOP);
}

bool Host::write(const std::string& path, std::string_view bytes, mode_t mode) const {
  const auto present = sys::try_open_at(root_.get(), path, O_RDONLY, sys::Resolve::kInRoot);
  if (present && sys::read_all(present->get(), kMaxFile, path) == bytes) return false;
  const Place place = make(resolve(path));
  try {
    if (!present) {
      sys::replace_file(place.directory.get(), place.name, bytes, mode);
    } else {
      sys::replace_file_like(place.directory.get(), place.name, bytes,
                             sys::stat_fd(present->get(), path), sys::Durability::kDurable);
    }
  } catch (const SystemError& error) {
    // It names the file without its directory, or a temporary one that nobody knows.
    throw SystemError("write", path, error.error_number(), error.code(),
                      remedy_of(error.error_number()));
  }
  return true;
}

void Host::remove(const std::string& path) const {
  const auto place = find(resolve(path));
  if (!place) return;
  if (::unlinkat(place->directory.get(), place->name.c_str(), 0) != 0 && errno != ENOENT) {
    throw SystemError("unlinkat", path, errno);
  }
}

void Host::remove_empty_directory(const std::string& path) const {
  // What the directory is for is gone by now: one that has to stay is no failure. ENOTDIR: a link.
  constexpr std::array<int, 7> kStays{ENOENT, ENOTEMPTY, EBUSY, ENOTDIR, EACCES, EPERM, EROFS};
  const auto place = find(path);
  if (!place) return;
  if (::unlinkat(place->directory.get(), place->name.c_str(), AT_REMOVEDIR) != 0 &&
      std::find(kStays.begin(), kStays.end(), errno) == kStays.end()) {
    throw SystemError("unlinkat", path, errno);
  }
}

std::optional<std::string> Host::link(const std::string& path) const {
  const auto place = find(path);
  if (!place) return std::nullopt;
  std::array<char, 4096> target{};
  const ssize_t size =
      ::readlinkat(place->directory.get(), place->name.c_str(), target.data(), target.size());
  if (size >= 0) return std::string(target.data(), static_cast<size_t>(size));
  if (errno == ENOENT || errno == EINVAL) return std::nullopt;
  throw SystemError("readlinkat", path, errno);
}

void Host::set_link(const std::string& path, const std::string& target) const {
  const Place place = make(path);
  const std::string fresh = place.name + ".new";
  // Left behind by an installation that was killed.
  ::unlinkat(place.directory.get(), fresh.c_str(), 0);
  if (::symlinkat(target.c_str(), place.directory.get(), fresh.c_str()) != 0) {
    throw SystemError("symlinkat", path, errno);
  }
  if (::renameat(place.directory.get(), fresh.c_str(), place.directory.get(), place.name.c_str()) !=
      0) {
    throw SystemError("renameat", path, errno);
  }
}

std::optional<sys::UniqueFd> Host::lock_directory(const std::string& path, bool make) const {
  const int flags = O_RDONLY | O_DIRECTORY;
  while (true) {
    auto directory = make ? std::optional(make_directory(path))
                          : sys::try_open_at(root_.get(), path, flags, sys::Resolve::kInRoot);
    if (!directory) return std::nullopt;
    wait_for_lock(directory->get(), path);
    // Who had it may have removed the directory.
    const auto now = sys::try_open_at(root_.get(), path, flags, sys::Resolve::kInRoot);
    if (now && sys::is_same_object(now->get(), directory->get(), path)) return directory;
  }
}

void Host::rename(const std::string& from, const std::string& to) const {
  const Place source = make(from);
  const Place target = make(to);
  if (::renameat(source.directory.get(), source.name.c_str(), target.directory.get(),
                 target.name.c_str()) != 0) {
    throw SystemError("renameat", to, errno);
  }
}

std::vector<std::string> Host::list(const std::string& path) const {
  const auto directory =
      sys::try_open_at(root_.get(), path, O_RDONLY | O_DIRECTORY, sys::Resolve::kInRoot);
  if (!directory) return {};
  std::vector<std::string> names = sys::list_directory(directory->get());
  std::sort(names.begin(), names.end());
  return names;
}

bool Host::exists(const std::string& path) const {
  return sys::try_open_at(root_.get(), path, O_PATH, sys::Resolve::kInRoot).has_value();
}

bool Host::is_directory(const std::string& path) const {
  const auto file = sys::try_open_at(root_.get(), path, O_PATH | O_NOFOLLOW, sys::Resolve::kInRoot);
  return file && S_ISDIR(sys::stat_fd(file->get(), path).st_mode);
}

void Host::remove_tree(const std::string& path) const {
  const auto place = find(path);
  if (!place) return;
  const sys::RemoveResult result = sys::remove_tree(place->directory.get(), place->name);
  if (result.complete()) return;
  throw Error(Code::kSystem, "could not be removed: " + result.first_left, quote(path));
}

}  // namespace hookcore::node
