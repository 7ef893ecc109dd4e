#include "libhookcore/overlay/diff.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <optional>
#include <set>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::overlay {
namespace {

// Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
bool is_whiteout(const struct ::stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(0, 0);
}

Change::Type type_of(const struct ::stat& status) {
  if (S_ISDIR(status.st_mode)) return Change::Type::kDirectory;
  if (S_ISREG(status.st_mode)) return Change::Type::kFile;
  return S_ISLNK(status.st_mode) ? Change::Type::kLink : Change::Type::kOther;
}

// Empty where it can't be read.
sys::UniqueFd open_file(int directory, const std::string& name) {
  return sys::open_if_readable(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

std::optional<std::string> overlay_xattr(int fd, const std::string& name) {
  auto value = sys::get_xattr(fd, "trusted.overlay." + name);
  return value ? value : sys::get_xattr(fd, "user.overlay." + name);
}

bool same_contents(int a, int b) {
  std::array<char, 65536> one;
  std::array<char, 65536> other;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(a, one.data(), one.size(), at);
    if (got < 0) throw SystemError("pread", "file of the upper", errno);
    if (got == 0) return true;
    const ssize_t also = ::pread(b, other.data(), static_cast<size_t>(got), at);
    if (also != got || !std::equal(one.begin(), one.begin() + got, other.begin())) return false;
    at += got;
  }
}

std::string link_target(int directory, const std::string& name) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  if (size < 0) throw SystemError("readlinkat", name, errno);
  return {target.data(), static_cast<size_t>(size)};
}

// One directory of the workspace in its layers, as far as they have it.
struct Place {
  std::string path;
  sys::UniqueFd upper;
  sys::UniqueFd mask;
  sys::UniqueFd source;
  bool opaque = false;  // nothing of the layers below shows through
};

// A directory is opened by its whole path when its turn comes, so that a tree may be deep without
// holding descriptors; beyond PATH_MAX it is reported and not entered.
class Comparison {
 public:
  explicit Comparison(const Layers& layers) : layers_(layers) {}

  std::vector<Change> run() {
    waiting_.push_back({});
    while (!waiting_.empty()) {
      const std::string path = std::move(waiting_.back());
      waiting_.pop_back();
      compare_directory(open_place(path));
    }
    std::sort(changes_.begin(), changes_.end(),
              [](const Change& a, const Change& b) { return a.path < b.path; });
    return std::move(changes_);
  }

 private:
  static sys::UniqueFd open_directory(int root, const std::string& path) {
    if (root < 0) return {};
    return sys::open_if_readable(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }

  Place open_place(const std::string& path) const {
    Place place;
    place.path = path;
    place.upper = open_directory(layers_.upper, path);
    if (!place.upper) throw SystemError("openat2", path, errno);
    place.source = open_directory(layers_.source, path);
    if (place.source) place.mask = open_directory(layers_.mask, path);
    // A place to mount on where a rule hides the source.
    if (place.mask && overlay_xattr(place.mask.get(), "opaque") == "y") {
      place.source = std::move(place.mask);
    }
    place.opaque = overlay_xattr(place.upper.get(), "opaque") == "y";
    return place;
  }

  static std::string join(const Place& place, const std::string& name) {
    return place.path.empty() ? name : place.path + "/" + name;
  }

  // What the container saw there before it wrote anything.
  static std::optional<struct ::stat> lower(const Place& place, const std::string& name) {
    if (!place.source) return std::nullopt;
    if (place.mask) {
      const auto mask = sys::stat_at(place.mask.get(), name);
      if (mask && is_whiteout(*mask)) return std::nullopt;
      if (mask && !S_ISDIR(mask->st_mode)) return mask;  // a place to mount a file on
    }
    return sys::stat_at(place.source.get(), name);
  }

  void compare_directory(const Place& place) {
    const std::vector<std::string> names = sys::list_directory(place.upper.get());
    for (const std::string& name : names) {
      const auto now = sys::stat_at(place.upper.get(), name);
      if (now) compare_entry(place, name, *now, lower(place, name));
    }
    if (!place.opaque || !place.source) return;
    // The directory was removed and made again: what isn't in it any more has no whiteout.
    const std::set<std::string> there(names.begin(), names.end());
    for (const std::string& name : sys::list_directory(place.source.get())) {
      if (there.contains(name)) continue;
      if (const auto old = lower(place, name)) add(Change::Kind::kDeleted, place, name, *old);
    }
  }

  void compare_entry(const Place& place, const std::string& name, const struct ::stat& now,
                     const std::optional<struct ::stat>& old) {
    if (is_whiteout(now)) {
      if (old) add(Change::Kind::kDeleted, place, name, *old);
      return;
    }
    if (!old) {
      add(Change::Kind::kAdded, place, name, now);
      if (S_ISDIR(now.st_mode)) changes_.back().below = count(join(place, name));
      return;
    }
    if (type_of(now) != type_of(*old)) {
      add(Change::Kind::kModified, place, name, now);
      changes_.back().old_type = type_of(*old);
      return;
    }
    if (is_modified(place, name, now, *old)) add(Change::Kind::kModified, place, name, now);
    const std::string path = join(place, name);
    if (S_ISDIR(now.st_mode) && path.size() < PATH_MAX) waiting_.push_back(path);
  }

  static bool is_modified(const Place& place, const std::string& name, const struct ::stat& now,
                          const struct ::stat& old) {
    if (now.st_mode != old.st_mode || now.st_uid != old.st_uid || now.st_gid != old.st_gid) {
      return true;
    }
    if (S_ISDIR(now.st_mode)) return false;
    if (S_ISLNK(now.st_mode)) {
      return link_target(place.upper.get(), name) != link_target(place.source.get(), name);
    }
    if (!S_ISREG(now.st_mode)) return now.st_rdev != old.st_rdev;
    if (now.st_size != old.st_size) return true;
    const sys::UniqueFd upper = open_file(place.upper.get(), name);
    const sys::UniqueFd source = open_file(place.source.get(), name);
    if (!upper || !source) return true;  // copied up and unreadable: better one line too many
    // Only metadata was copied up, so the contents are the source's.
    if (overlay_xattr(upper.get(), "metacopy")) return false;
    return !same_contents(upper.get(), source.get());
  }

  void add(Change::Kind kind, const Place& place, const std::string& name,
           const struct ::stat& status) {
    Change change;
    change.kind = kind;
    change.path = join(place, name);
    change.type = change.old_type = type_of(status);
    changes_.push_back(std::move(change));
  }

  uint64_t count(const std::string& directory) const {
    uint64_t entries = 0;
    std::vector<std::string> waiting{directory};
    while (!waiting.empty()) {
      const std::string path = std::move(waiting.back());
      waiting.pop_back();
      const sys::UniqueFd fd = open_directory(layers_.upper, path);
      if (!fd) continue;
      for (const std::string& name : sys::list_directory(fd.get())) {
        const auto status = sys::stat_at(fd.get(), name);
        if (!status || is_whiteout(*status)) continue;
        ++entries;
        if (S_ISDIR(status->st_mode) && path.size() + name.size() + 1 < PATH_MAX) {
          waiting.push_back(std::string(path).append("/").append(name));
        }
      }
    }
    return entries;
  }

  Layers layers_;
  std::vector<std::string> waiting_;
  std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> find_changes(const Layers& layers) { return Comparison(layers).run(); }

}  // namespace hookcore::overlay
