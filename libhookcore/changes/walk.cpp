#include "libhookcore/changes/walk.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/ignore/walk.h"

namespace hookcore::changes {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

class MaskCollector : public ignore::MaskSink {
 public:
  void mask(const ignore::SourceDirectory& directory, std::string_view name,
            ignore::EntryType /*type*/) override {
    std::string path = join_path(directory.path, name);
    const std::lock_guard lock(mutex_);
    masks.insert(std::move(path));
  }
  std::unordered_set<std::string> masks;

 private:
  std::mutex mutex_;
};

// A directory that waits for its turn. It is opened by its path then, so that a tree may be deep
// without holding descriptors.
struct Waiting {
  std::string path;
  bool in_upper = true;
  bool had_lower = true;  ///< the container saw a directory there before
  bool opaque = false;
  std::optional<std::string> base;  ///< of the source: what shows through from below
  bool below_new = false;
};

// One directory of the workspace in its layers, as far as they have it.
struct Place {
  sys::UniqueFd upper;
  sys::UniqueFd base;
  sys::UniqueFd lower;  ///< what the container saw at its place before it wrote anything
  bool moved = false;   ///< base isn't lower
  bool xattr_whiteouts = false;
};

class Walk {
 public:
  Walk(const Layers& layers, Visitor& visitor)
      : layers_(layers),
        visitor_(visitor),
        prefix_(layers.user_xattr ? "user.overlay." : "trusted.overlay.") {}

  void run() {
    Waiting root;
    root.base = "";
    waiting_.push_back(std::move(root));
    while (!waiting_.empty()) {
      const Waiting next = std::move(waiting_.back());
      waiting_.pop_back();
      const size_t first = waiting_.size();
      walk_directory(next);
      std::reverse(waiting_.begin() + static_cast<std::ptrdiff_t>(first), waiting_.end());
    }
  }

 private:
  static sys::UniqueFd open_directory(int root, const std::string& path) {
    return sys::open_if_readable(root, path, kDirectoryFlags);
  }

  std::optional<std::string> overlay_xattr(int fd, const std::string& name) const {
    return sys::get_xattr(fd, prefix_ + name);
  }

  bool masked(const std::string& path) const { return layers_.masks.contains(path); }

  Place open_place(const Waiting& at) const {
    Place place;
    if (at.in_upper) {
      const int fd = sys::open_below(layers_.upper, at.path, kDirectoryFlags);
      if (fd < 0) throw SystemError("openat2", at.path, -fd);
      place.upper.reset(fd);
      place.xattr_whiteouts = overlay_xattr(fd, "opaque") == "x";
    }
    if (at.had_lower) place.lower = open_directory(layers_.source, at.path);
    place.moved = !at.base || *at.base != at.path;
    if (at.base && place.moved) place.base = open_directory(layers_.source, *at.base);
    return place;
  }

  // Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
  bool is_whiteout(const Place& place, const std::string& name, const struct ::stat& status) const {
    if (S_ISCHR(status.st_mode)) return status.st_rdev == ::makedev(0, 0);
    if (!place.xattr_whiteouts || !S_ISREG(status.st_mode) || status.st_size != 0) return false;
    const sys::UniqueFd file = open_file(place.upper.get(), name);
    return file && overlay_xattr(file.get(), "whiteout").has_value();
  }

  // Empty where it can't be read.
  static sys::UniqueFd open_file(int directory, const std::string& name) {
    return sys::open_if_readable(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  }

  struct ::stat shifted(struct ::stat status) const {
    status.st_uid = layers_.shift.uid.apply(status.st_uid);
    status.st_gid = layers_.shift.gid.apply(status.st_gid);
    return status;
  }

  // What the container saw there before it wrote anything.
  std::optional<struct ::stat> lower(const Place& place, const std::string& path,
                                     const std::string& name) const {
    if (!place.lower || masked(path)) return std::nullopt;
    const auto status = sys::stat_at(place.lower.get(), name);
    return status ? std::optional(shifted(*status)) : std::nullopt;
  }

  std::set<std::string> names_of(const Place& place, const Waiting& at) const {
    std::set<std::string> names;
    if (place.upper) {
      std::vector<std::string> listed = sys::list_directory(place.upper.get());
      names.insert(std::make_move_iterator(listed.begin()), std::make_move_iterator(listed.end()));
    }
    if (place.base) {
      for (std::string& name : sys::list_directory(place.base.get())) {
        if (!masked(join_path(*at.base, name))) names.insert(std::move(name));
      }
    }
    return names;
  }

  void walk_directory(const Waiting& at) {
    const Place place = open_place(at);
    std::set<std::string> names = names_of(place, at);
    std::set<std::string> gone;
    if (place.moved && place.lower) {
      // The directory was made again: what isn't in it any more has no whiteout.
      for (const std::string& name : sys::list_directory(place.lower.get())) {
        if (!names.contains(name)) gone.insert(name);
      }
    }
    std::set<std::string> all = names;
    all.insert(gone.begin(), gone.end());
    for (const std::string& name : all) visit(at, place, name);
  }

  void visit(const Waiting& at, const Place& place, const std::string& name) {
    Entry entry;
    entry.path = join_path(at.path, name);
    entry.name = name;
    entry.below_new = at.below_new;
    const auto old = lower(place, entry.path, name);
    if (old) entry.old = *old;
    const bool in_upper = find_now(at, place, entry);
    if (entry.directory < 0) {
      if (!old) return;
      entry.kind = Kind::kDeleted;
      visitor_.visit(entry);
      return;
    }
    std::optional<Waiting> inside;
    if (S_ISDIR(entry.now.st_mode)) inside = enter(at, place, entry, in_upper);
    if (S_ISREG(entry.now.st_mode)) find_data(at, entry, in_upper);
    compare(place, entry, old.has_value());
    if (inside) {
      inside->had_lower = old && S_ISDIR(old->st_mode);
      inside->below_new = at.below_new || !inside->had_lower || entry.replaced;
      waiting_.push_back(std::move(*inside));
    }
    visitor_.visit(entry);
  }

  // True: the upper has it. entry.directory stays -1 where nothing is there now.
  bool find_now(const Waiting& at, const Place& place, Entry& entry) const {
    if (place.upper) {
      const auto status = sys::stat_at(place.upper.get(), entry.name);
      if (status) {
        if (is_whiteout(place, entry.name, *status)) return true;
        entry.now = *status;
        entry.directory = place.upper.get();
        return true;
      }
    }
    if (!place.base || masked(join_path(*at.base, entry.name))) return false;
    const auto status = sys::stat_at(place.base.get(), entry.name);
    if (!status) return false;
    entry.now = shifted(*status);
    entry.directory = place.base.get();
    entry.data_in_source = join_path(*at.base, entry.name);
    return false;
  }

  // fs/overlayfs/namei.c, ovl_check_redirect: absolute is from the overlay's root, otherwise it is
  // the name beside it.
  static std::string redirected(const Waiting& at, const std::string& redirect) {
    if (redirect.starts_with('/')) return redirect.substr(1);
    return join_path(at.base.value_or(at.path), redirect);
  }

  Waiting enter(const Waiting& at, const Place& place, Entry& entry, bool in_upper) const {
    Waiting inside;
    inside.path = entry.path;
    inside.in_upper = in_upper;
    if (at.base) {
      std::string base = join_path(*at.base, entry.name);
      if (!masked(base)) inside.base = std::move(base);
    }
    if (in_upper) {
      const sys::UniqueFd fd = open_file(place.upper.get(), entry.name);
      const auto redirect = fd ? overlay_xattr(fd.get(), "redirect") : std::nullopt;
      if (redirect) {
        inside.base = entry.moved_from = redirected(at, *redirect);
      } else if (fd && overlay_xattr(fd.get(), "opaque") == "y") {
        inside.base.reset();
      }
    }
    const bool had_directory = place.lower && S_ISDIR(entry.old.st_mode);
    entry.replaced = had_directory && (!inside.base || *inside.base != entry.path);
    return inside;
  }

  // Only metadata may have been copied up: the contents are the source's then.
  void find_data(const Waiting& at, Entry& entry, bool in_upper) const {
    if (!in_upper || layers_.user_xattr) return;
    const sys::UniqueFd fd = open_file(entry.directory, entry.name);
    if (!fd || !overlay_xattr(fd.get(), "metacopy")) return;
    const auto redirect = overlay_xattr(fd.get(), "redirect");
    if (redirect) {
      entry.data_in_source = entry.moved_from = redirected(at, *redirect);
    } else if (at.base) {
      entry.data_in_source = join_path(*at.base, entry.name);
    }
  }

  void compare(const Place& place, Entry& entry, bool had) const {
    if (!had) {
      entry.kind = Kind::kAdded;
      return;
    }
    entry.mode = (entry.now.st_mode & 07777) != (entry.old.st_mode & 07777);
    entry.owner = entry.now.st_uid != entry.old.st_uid || entry.now.st_gid != entry.old.st_gid;
    entry.contents = (entry.now.st_mode & S_IFMT) != (entry.old.st_mode & S_IFMT) ||
                     contents_differ(place, entry);
    const bool differs = entry.mode || entry.owner || entry.contents;
    entry.kind = differs ? Kind::kModified : Kind::kSame;
  }

  bool contents_differ(const Place& place, const Entry& entry) const {
    if (S_ISDIR(entry.now.st_mode)) return false;
    if (S_ISLNK(entry.now.st_mode)) {
      return read_link(entry.directory, entry.name) != read_link(place.lower.get(), entry.name);
    }
    if (!S_ISREG(entry.now.st_mode)) return entry.now.st_rdev != entry.old.st_rdev;
    if (entry.data_in_source == entry.path) return false;
    if (entry.now.st_size != entry.old.st_size) return true;
    const sys::UniqueFd now = entry.data_in_source.empty()
                                  ? open_file(entry.directory, entry.name)
                                  : open_file(layers_.source, entry.data_in_source);
    const sys::UniqueFd old = open_file(place.lower.get(), entry.name);
    if (!now || !old) return true;  // unreadable: better one line too many
    return !same_contents(now.get(), old.get());
  }

  const Layers& layers_;
  Visitor& visitor_;
  std::string prefix_;
  std::vector<Waiting> waiting_;
};

}  // namespace

std::unordered_set<std::string> find_masks(int source_fd, const ignore::RuleSet& rules) {
  MaskCollector collector;
  ignore::find_masks(source_fd, rules, collector);
  return std::move(collector.masks);
}

void walk(const Layers& layers, Visitor& visitor) {
  if (layers.copied) {
    walk_copy(layers, visitor);
  } else {
    Walk(layers, visitor).run();
  }
}

bool same_contents(int a, int b) {
  std::array<char, 65536> one;
  std::array<char, 65536> other;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(a, one.data(), one.size(), at);
    if (got < 0) throw SystemError("pread", "file of the upper", errno);
    const ssize_t also = ::pread(b, other.data(), other.size(), at);
    if (also != got || !std::equal(one.begin(), one.begin() + got, other.begin())) return false;
    if (got == 0) return true;
    at += got;
  }
}

sys::UniqueFd open_entry(const Layers& layers, const Entry& entry, int more_flags) {
  const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | more_flags;
  const int fd = entry.data_in_source.empty()
                     ? sys::open_at_raw(entry.directory, entry.name, flags, sys::Resolve::kNoLinks)
                     : sys::open_below(layers.source, entry.data_in_source, flags);
  if (fd < 0) throw SystemError("openat2", entry.path, -fd);
  return sys::UniqueFd(fd);
}

std::string read_link(int directory, const std::string& name) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  if (size < 0) throw SystemError("readlinkat", name, errno);
  return {target.data(), static_cast<size_t>(size)};
}

bool is_overlay_xattr(const std::string& name) {
  return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.");
}

}  // namespace hookcore::changes
