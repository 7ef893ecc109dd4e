#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <set>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/changes/walk.h"

namespace hookcore::changes {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr int kFileFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

// A directory that waits for its turn.
struct Waiting {
  std::string path;
  bool had_directory = true;  ///< one of the source was there
  bool below_new = false;
};

/// An entry of a directory that is open.
struct Place {
  int copy;
  int source;  ///< -1: it has no such directory any more
  const std::string& name;
  const copy::Record* record;  ///< null: it wasn't there
};

class CopyWalk {
 public:
  CopyWalk(const Layers& layers, Visitor& visitor)
      : layers_(layers), visitor_(visitor), manifest_(*layers.copied) {}

  void run() {
    waiting_.push_back({});
    while (!waiting_.empty()) {
      const Waiting next = std::move(waiting_.back());
      waiting_.pop_back();
      const size_t first = waiting_.size();
      walk_directory(next);
      std::reverse(waiting_.begin() + static_cast<std::ptrdiff_t>(first), waiting_.end());
    }
  }

 private:
  void walk_directory(const Waiting& at) {
    const int opened = sys::open_below(layers_.upper, at.path, kDirectoryFlags);
    if (opened == -ENOENT) return;  // by a container that is at work
    if (opened < 0) throw SystemError("openat2", at.path, -opened);
    const sys::UniqueFd copy(opened);
    sys::UniqueFd source;
    if (at.had_directory) {
      source = sys::open_if_readable(layers_.source, at.path, kDirectoryFlags);
    }
    const copy::Manifest::Names& before = at.had_directory ? manifest_.in(at.path) : none_;
    std::vector<std::string> listed = sys::list_directory(copy.get());
    std::set<std::string> names(std::make_move_iterator(listed.begin()),
                                std::make_move_iterator(listed.end()));
    for (const auto& [name, record] : before) names.insert(name);
    for (const std::string& name : names) {
      const auto record = before.find(name);
      visit(at,
            {copy.get(), source.get(), name, record == before.end() ? nullptr : &record->second});
    }
  }

  void visit(const Waiting& at, const Place& place) {
    Entry entry;
    entry.path = join_path(at.path, place.name);
    entry.name = place.name;
    entry.below_new = at.below_new;
    const auto now = sys::stat_at(place.copy, place.name);
    if (!now && place.record == nullptr) return;
    std::optional<struct ::stat> source;
    if (now && place.record != nullptr && is_untouched(*place.record, *now)) {
      entry.now = entry.old = *now;
    } else {
      if (place.source >= 0) source = sys::stat_at(place.source, place.name);
      if (place.record != nullptr) entry.old = old_of(*place.record, source, now);
      describe(place, source, now, entry);
    }
    if (now) entry.directory = place.copy;
    if (now && S_ISDIR(now->st_mode)) {
      const bool had_directory = place.record != nullptr && S_ISDIR(place.record->mode);
      waiting_.push_back({entry.path, had_directory, at.below_new || !had_directory});
    }
    visitor_.visit(entry);
  }

  // A directory that was moved takes what is in it along undated: the inode tells.
  bool is_untouched(const copy::Record& record, const struct ::stat& now) const {
    return now.st_ino == record.copy_inode && (now.st_mode & S_IFMT) == (record.mode & S_IFMT) &&
           copy::stamp_of(now.st_ctim) <= manifest_.finished();
  }

  struct ::stat shifted(struct ::stat status) const {
    status.st_uid = layers_.shift.uid.apply(status.st_uid);
    status.st_gid = layers_.shift.gid.apply(status.st_gid);
    return status;
  }

  // As it was copied; which object the source has there, and how that is dated, are of today.
  struct ::stat old_of(const copy::Record& record, const std::optional<struct ::stat>& source,
                       const std::optional<struct ::stat>& now) const {
    struct ::stat old = source ? shifted(*source) : now.value_or(no_status());
    old.st_mode = record.mode;
    old.st_size = static_cast<off_t>(record.size);
    return old;
  }

  static struct ::stat no_status() { return {}; }

  void describe(const Place& place, const std::optional<struct ::stat>& source,
                const std::optional<struct ::stat>& now, Entry& entry) const {
    if (now) entry.now = *now;
    if (!now || place.record == nullptr) {
      entry.kind = now ? Kind::kAdded : Kind::kDeleted;
      return;
    }
    const copy::Record& record = *place.record;
    const bool is_original = source && record.is_of(*source);
    const bool retyped = (now->st_mode & S_IFMT) != (record.mode & S_IFMT);
    entry.mode = differing_mode(record, *now);
    // Whose it was is known as long as the source has it as it was.
    const bool owner_known =
        record.owner_kept && is_original && record.changed == copy::stamp_of(source->st_ctim);
    entry.owner =
        owner_known && (now->st_uid != entry.old.st_uid || now->st_gid != entry.old.st_gid);
    entry.contents = retyped || contents_differ(place, *now, is_original ? &*source : nullptr);
    const bool differs = entry.mode || entry.owner || entry.contents;
    entry.kind = differs ? Kind::kModified : Kind::kSame;
  }

  // Without its owner a file is not given set-id bits either.
  static bool differing_mode(const copy::Record& record, const struct ::stat& now) {
    const mode_t given = record.owner_kept ? 07777U : 01777U;
    return (now.st_mode & 07777U) != (record.mode & given);
  }

  /// original: what was copied, where the source still has it.
  bool contents_differ(const Place& place, const struct ::stat& now,
                       const struct ::stat* original) const {
    if (S_ISDIR(now.st_mode)) return false;
    // Nobody can tell any more: better one line too many.
    if (original == nullptr) return true;
    if (S_ISLNK(now.st_mode)) {
      return read_link(place.copy, place.name) != read_link(place.source, place.name);
    }
    if (!S_ISREG(now.st_mode)) return now.st_rdev != original->st_rdev;
    if (static_cast<uint64_t>(now.st_size) != place.record->size) return true;
    const sys::UniqueFd copied = open(place.copy, place.name);
    const sys::UniqueFd source = open(place.source, place.name);
    return !copied || !source || !same_contents(copied.get(), source.get());
  }

  static sys::UniqueFd open(int directory, const std::string& name) {
    return sys::open_if_readable(directory, name, kFileFlags);
  }

  const Layers& layers_;
  Visitor& visitor_;
  const copy::Manifest& manifest_;
  const copy::Manifest::Names none_;
  std::vector<Waiting> waiting_;
};

}  // namespace

void walk_copy(const Layers& layers, Visitor& visitor) { CopyWalk(layers, visitor).run(); }

}  // namespace hookcore::changes
