#include "libhookcore/copy/entries.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "libhookcore/base/path.h"
#include "libhookcore/sys/contents.h"
#include "libhookcore/sys/file.h"

namespace hookcore::copy {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
// A file that is written at this moment gets a second chance, a log that never rests doesn't.
constexpr int kTries = 4;

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

std::pair<std::string, std::string> split(const std::string& path) {
  return {parent_path(path), base_name(path)};
}

bool is_gone(int error_number) { return error_number == ENOENT || error_number == ENOTDIR; }

bool is_same(const struct ::stat& a, const struct ::stat& b) {
  return sys::is_same_object(a, b) && a.st_mode == b.st_mode && a.st_size == b.st_size &&
         stamp_of(a.st_ctim) == stamp_of(b.st_ctim);
}

bool is_sparse(const struct ::stat& status) {
  constexpr uint64_t kBlock = 512;
  return static_cast<uint64_t>(status.st_blocks) * kBlock < static_cast<uint64_t>(status.st_size);
}

// O_NONBLOCK: what a listing called a file may be a FIFO by now.
int open_source(const Spot& spot) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int fd = sys::plain_openat(spot.source, spot.name.c_str(), kFlags | O_NOATIME);
  // The owner's privilege (open(2)).
  if (fd < 0 && errno == EPERM) fd = sys::plain_openat(spot.source, spot.name.c_str(), kFlags);
  return fd >= 0 ? fd : -errno;
}

[[noreturn]] void fail_reading(const Spot& spot, const char* call, int error_number) {
  if (error_number == EACCES || error_number == EPERM) {
    throw Error(Code::kSource, "no permission to read a file that the container is to see",
                quote(spot.path), "make it readable, or exclude it");
  }
  throw SystemError(call, spot.path, error_number, Code::kSource);
}

[[noreturn]] void fail_writing(const Spot& spot, const char* call, int error_number) {
  throw SystemError(call, spot.path, error_number, Code::kScratch);
}

}  // namespace

// nullopt-like: empty where the directory isn't there yet.
sys::UniqueFd Entries::open_target(const std::string& directory) const {
  const int fd = sys::open_below(target_fd_, directory, O_PATH | O_DIRECTORY);
  if (fd < 0 && fd != -ENOENT) throw SystemError("openat2", directory, -fd, Code::kScratch);
  return sys::UniqueFd(std::max(-1, fd));
}

// An excluded directory in which something visible turns up is told of after that.
void Entries::make_directories(const std::string& directory) const {
  if (directory.empty() || open_target(directory)) return;
  const auto [parent, name] = split(directory);
  make_directories(parent);
  const sys::UniqueFd above = open_target(parent);
  if (!above || (::mkdirat(above.get(), name.c_str(), 0700) != 0 && errno != EEXIST)) {
    throw SystemError("mkdirat", directory, above ? errno : ENOENT, Code::kScratch);
  }
}

void Entries::copy(int source_directory, const std::string& directory, const std::string& name) {
  sys::UniqueFd target = open_target(directory);
  if (!target) {
    make_directories(directory);
    target = open_target(directory);
  }
  const std::string path = join(directory, name);
  copy_persistently({source_directory, target.get(), name, path}, false);
}

void Entries::copy_persistently(const Spot& spot, bool linking) {
  for (int tries = 0; tries < kTries; ++tries) {
    if (copy_once(spot, linking) == Outcome::kDone) return;
    if (::unlinkat(spot.target, spot.name.c_str(), 0) != 0 && errno != ENOENT) {
      fail_writing(spot, "unlinkat", errno);
    }
  }
  throw Error(Code::kSource, "a file keeps changing while it is copied", quote(spot.path),
              "stop what writes it, or exclude it");
}

Entries::Outcome Entries::copy_once(const Spot& spot, bool linking) {
  struct ::stat status {};
  if (::fstatat(spot.source, spot.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (is_gone(errno)) return Outcome::kDone;
    fail_reading(spot, "fstatat", errno);
  }
  if (S_ISDIR(status.st_mode)) {
    add_directory(spot);
    return Outcome::kDone;
  }
  if (S_ISREG(status.st_mode)) return copy_file(spot, linking);
  if (S_ISLNK(status.st_mode)) return copy_link(spot, status);
  return copy_special(spot, status);
}

void Entries::add_directory(const Spot& spot) {
  if (::mkdirat(spot.target, spot.name.c_str(), 0700) != 0 && errno != EEXIST) {
    fail_writing(spot, "mkdirat", errno);
  }
  const std::lock_guard lock(mutex_);
  directories_.push_back(spot.path);
}

Entries::Outcome Entries::copy_file(const Spot& spot, bool linking) {
  const int opened = open_source(spot);
  if (is_gone(-opened)) return Outcome::kDone;
  if (opened == -ELOOP || opened == -ENXIO) return Outcome::kAgain;  // a link, a socket by now
  if (opened < 0) fail_reading(spot, "openat", -opened);
  const sys::UniqueFd from(opened);
  const struct ::stat before = sys::stat_fd(from.get(), spot.path);
  if (!S_ISREG(before.st_mode)) return Outcome::kAgain;
  if (is_further_name(spot, before, linking)) return Outcome::kDone;
  const Outcome outcome = copy_opened(from.get(), before, spot);
  if (outcome == Outcome::kAgain && before.st_nlink > 1) {
    // It may be another file that gets this name: no further name is to be a link to that.
    const std::lock_guard lock(mutex_);
    names_.erase({before.st_dev, before.st_ino});
  }
  return outcome;
}

Entries::Outcome Entries::copy_opened(int from, const struct ::stat& before, const Spot& spot) {
  const sys::UniqueFd to(sys::plain_openat(
      spot.target, spot.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to && errno == EEXIST) return Outcome::kDone;  // a listing may tell of a name twice
  if (!to) fail_writing(spot, "openat", errno);
  if (!fill(from, before, to.get(), spot)) return Outcome::kAgain;
  const Kept kept = keep_metadata(from, before, to.get(), spot.path);
  if (!is_same(before, sys::stat_fd(from, spot.path))) return Outcome::kAgain;
  note(spot.path, before, sys::stat_fd(to.get(), spot.path).st_ino, kept);
  meter_.file();
  return Outcome::kDone;
}

// False: it changed meanwhile.
bool Entries::fill(int from, const struct ::stat& status, int to, const Spot& spot) {
  const auto size = static_cast<uint64_t>(status.st_size);
  if (options_.method == Method::kReflink) {
    const int error_number = sys::clone_contents(from, to);
    if (error_number != 0) {
      throw Refused(
          Code::kScratch,
          std::string("a file can't share its blocks: FICLONE: ") + std::strerror(error_number),
          quote(spot.path), "have source and scratch on one btrfs or xfs");
    }
    meter_.cloned(size);
    return true;
  }
  sys::copy_contents(from, to, {size, is_sparse(status)}, spot.path,
                     [this](uint64_t bytes) { meter_.copied(bytes); });
  return is_same(status, sys::stat_fd(from, spot.path));
}

bool Entries::is_further_name(const Spot& spot, const struct ::stat& status, bool linking) {
  if (status.st_nlink < 2) return false;
  const auto [directory, name] = split(spot.path);
  const Object object(status.st_dev, status.st_ino);
  const Stamp changed = stamp_of(status.st_ctim);
  Name first;
  {
    const std::lock_guard lock(mutex_);
    const auto [found, is_first] = names_.try_emplace(object, Name{directory, name, changed});
    first = found->second;
    if (is_first || (first.directory == directory && first.name == name)) return false;
    if (!linking) {
      further_names_.push_back({directory, name});
      return true;
    }
  }
  if (first.changed == changed && link_to(first, spot)) {
    struct ::stat copied {};
    if (::fstatat(spot.target, spot.name.c_str(), &copied, AT_SYMLINK_NOFOLLOW) != 0) {
      fail_writing(spot, "fstatat", errno);
    }
    const bool owner = copied.st_uid == status.st_uid && copied.st_gid == status.st_gid;
    note(spot.path, status, copied.st_ino, {owner, true});
    meter_.file();
    return true;
  }
  // The first was gone before it could be copied, or is another file.
  const std::lock_guard lock(mutex_);
  names_[object] = Name{directory, name, changed};
  return false;
}

bool Entries::link_to(const Name& first, const Spot& spot) const {
  const sys::UniqueFd directory = open_target(first.directory);
  if (!directory) return false;
  if (::linkat(directory.get(), first.name.c_str(), spot.target, spot.name.c_str(), 0) == 0 ||
      errno == EEXIST) {
    return true;
  }
  if (errno == ENOENT) return false;
  fail_writing(spot, "linkat", errno);
}

Entries::Outcome Entries::copy_link(const Spot& spot, const struct ::stat& status) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size =
      ::readlinkat(spot.source, spot.name.c_str(), target.data(), target.size() - 1);
  if (size < 0 && (is_gone(errno) || errno == EINVAL)) return Outcome::kAgain;
  if (size < 0) fail_reading(spot, "readlinkat", errno);
  if (size != status.st_size) return Outcome::kAgain;
  if (::symlinkat(target.data(), spot.target, spot.name.c_str()) != 0) {
    if (errno == EEXIST) return Outcome::kDone;
    fail_writing(spot, "symlinkat", errno);
  }
  return finish_special(spot, status);
}

Entries::Outcome Entries::copy_special(const Spot& spot, const struct ::stat& status) {
  // A whiteout, by which overlayfs hides a name: so is it hidden here.
  if (S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(0, 0)) return Outcome::kDone;
  const mode_t type = status.st_mode & S_IFMT;
  if (::mknodat(spot.target, spot.name.c_str(), type | 0600U, status.st_rdev) != 0) {
    if (errno == EEXIST) return Outcome::kDone;
    if (errno == EPERM) {
      throw Error(Code::kSource, "a device node can't be copied without the machine's root",
                  quote(spot.path), "exclude it");
    }
    fail_writing(spot, "mknodat", errno);
  }
  return finish_special(spot, status);
}

Entries::Outcome Entries::finish_special(const Spot& spot, const struct ::stat& status) {
  const Kept kept = keep_metadata_at(status, spot.target, spot.name, spot.path);
  const auto after = sys::stat_at(spot.source, spot.name);
  const auto copied = sys::stat_at(spot.target, spot.name);
  if (!after || !is_same(status, *after) || !copied) return Outcome::kAgain;
  note(spot.path, status, copied->st_ino, kept);
  return Outcome::kDone;
}

void Entries::note(const std::string& path, const struct ::stat& source, uint64_t copy_inode,
                   Kept kept) {
  entries_.fetch_add(1, std::memory_order_relaxed);
  Record record;
  record.mode = source.st_mode;
  record.size = static_cast<uint64_t>(source.st_size);
  record.device = source.st_dev;
  record.inode = source.st_ino;
  record.changed = stamp_of(source.st_ctim);
  record.copy_inode = copy_inode;
  record.owner_kept = kept.owner;
  manifest_.add(path, record);
  if (kept.attributes) return;
  const std::lock_guard lock(mutex_);
  if (attributes_refused_++ == 0) first_refused_ = path;
}

void Entries::finish_links() {
  for (const Name& further : std::exchange(further_names_, {})) {
    const int opened = sys::open_below(source_fd_, further.directory, kDirectoryFlags);
    if (is_gone(-opened) || opened == -ELOOP) continue;
    if (opened < 0) throw SystemError("openat2", further.directory, -opened, Code::kSource);
    const sys::UniqueFd source(opened);
    const sys::UniqueFd target = open_target(further.directory);
    const std::string path = join(further.directory, further.name);
    copy_persistently({source.get(), target.get(), further.name, path}, true);
  }
}

void Entries::make_anchors() {
  for (const overlay::Anchor& anchor : options_.anchors) {
    const auto [directory, name] = split(anchor.path);
    const std::string& needed = anchor.directory ? anchor.path : directory;
    for (size_t end = needed.find('/');; end = needed.find('/', end + 1)) {
      const std::string part = needed.substr(0, end);
      if (!part.empty() && !open_target(part)) {
        make_directories(part);
        directories_.push_back(part);
      }
      if (end == std::string::npos) break;
    }
    if (anchor.directory) continue;
    const sys::UniqueFd parent = open_target(directory);
    const sys::UniqueFd file(sys::plain_openat(
        parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file && errno != EEXIST) throw SystemError("openat", anchor.path, errno, Code::kScratch);
    if (!file) continue;
    struct ::stat status {};
    status.st_mode = S_IFREG | 0644;
    note(anchor.path, status, sys::stat_fd(file.get(), anchor.path).st_ino, {});
  }
}

void Entries::finish_directories() {
  directories_.emplace_back();
  // What is in a directory comes before it: the mode may shut us out.
  std::sort(directories_.begin(), directories_.end(), std::greater<>());
  const auto last = std::unique(directories_.begin(), directories_.end());
  directories_.erase(last, directories_.end());
  for (const std::string& path : directories_) finish_directory(path);
}

void Entries::finish_directory(const std::string& path) {
  const int copied = sys::open_below(target_fd_, path, kDirectoryFlags);
  if (copied < 0) throw SystemError("openat2", path, -copied, Code::kScratch);
  const sys::UniqueFd to(copied);
  const sys::UniqueFd from = sys::open_if_readable(source_fd_, path, kDirectoryFlags);
  struct ::stat status {};
  status.st_mode = S_IFDIR | 0755;
  Kept kept;
  if (from) {
    status = sys::stat_fd(from.get(), path);
    kept = keep_metadata(from.get(), status, to.get(), path);
  } else if (::fchmod(to.get(), 0755) != 0) {  // gone, or only there to be mounted on
    throw SystemError("fchmod", path, errno, Code::kScratch);
  }
  if (!path.empty()) note(path, status, sys::stat_fd(to.get(), path).st_ino, kept);
}

Result Entries::result() const {
  Result result;
  result.entries = entries_;
  result.attributes_refused = attributes_refused_;
  result.first_refused = first_refused_;
  return result;
}

}  // namespace hookcore::copy
