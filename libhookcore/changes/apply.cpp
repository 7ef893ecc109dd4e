#include "libhookcore/changes/apply.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/copy/manifest.h"
#include "libhookcore/sys/contents.h"

namespace hookcore::changes {
namespace {

void copy_contents(int from, int to, const std::string& path) {
  const struct ::stat before = sys::stat_fd(from, path);
  const auto size = static_cast<uint64_t>(before.st_size);
  sys::copy_contents(from, to, {size}, path, [](uint64_t /*bytes*/) {});
  const struct ::stat after = sys::stat_fd(from, path);
  const bool same_time = copy::stamp_of(after.st_mtim) == copy::stamp_of(before.st_mtim);
  if (after.st_size == before.st_size && same_time) return;
  throw Error(Code::kSource, "a container wrote to it while we were at work", quote(path),
              "apply again when it is done");
}

class Apply {
 public:
  /// force: what stands in the source where something new goes was agreed to be replaced.
  Apply(const Subject& subject, Journal& journal, bool force)
      : subject_(subject), journal_(journal), force_(force) {}

  void put(const Step& step) {
    const Entry& entry = step.entry;
    if (entry.kind == Kind::kDeleted) return;
    const sys::UniqueFd parent = open_parent(parent_path(entry.path));
    const Tracked tracked(journal_, subject_, parent.get());
    if (entry.retyped()) remove_all(step);
    if (S_ISDIR(entry.now.st_mode)) {
      put_directory(entry, parent.get());
    } else if (S_ISSOCK(entry.now.st_mode)) {
      left_out.push_back(quote(entry.path) + ": a socket");
    } else if (step.hard_link.empty() || !put_link(step, parent.get())) {
      put_file(entry, parent.get());
    }
  }

  // All that was done so far.
  void flush() {
    if (::syncfs(subject_.source.get()) != 0) {
      throw SystemError("syncfs", subject_.state.origin.path, errno, Code::kSource);
    }
  }

  // After everything that is put: what was moved may come from there.
  void remove(const Step& step) {
    if (step.entry.kind == Kind::kDeleted) remove_all(step);
  }

  // Its times, and a mode that may forbid writing, last of all.
  void finish_directory(const Entry& entry) {
    const sys::UniqueFd parent = open_parent(parent_path(entry.path));
    const sys::UniqueFd directory = sys::open_at(parent.get(), base_name(entry.path),
                                                 O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
    const sys::UniqueFd from = open_now(entry, O_RDONLY | O_DIRECTORY);
    const Tracked tracked(journal_, subject_, directory.get());
    copy_metadata(entry, from.get(), directory.get());
    journal_.add(sys::stat_fd(directory.get(), entry.path));
  }

  std::vector<std::string> left_out;

 private:
  // Our own work dates a directory, and a file with more names than the one that goes: unless
  // somebody else had done so before, it is noted.
  class Tracked {
   public:
    Tracked(Journal& journal, const Subject& subject, int fd) : journal_(journal), fd_(fd) {
      const struct ::stat status = sys::stat_fd(fd, "source");
      ours_ = !changed_since(subject.state.origin, status) || journal.knows(status);
      if (ours_) journal.begin(status);
    }
    Tracked(const Tracked&) = delete;
    Tracked& operator=(const Tracked&) = delete;
    ~Tracked() {
      struct ::stat status {};
      if (!ours_ || ::fstat(fd_, &status) != 0) return;
      try {
        journal_.add(status);
      } catch (const Error&) {
        // The next run takes it for somebody else's change, and refuses: the safe side.
      }
    }

   private:
    Journal& journal_;
    int fd_;
    bool ours_;
  };

  // A file that is to lose one of its names, or to get one more.
  class TrackedFile {
   public:
    TrackedFile(Journal& journal, const Subject& subject, int parent, const std::string& name,
                nlink_t fewest)
        : fd_(std::max(
              -1, sys::open_at_raw(parent, name, O_PATH | O_NOFOLLOW, sys::Resolve::kStrict))) {
      // Its inode may be another file's as soon as the last name is gone.
      if (fd_ && sys::stat_fd(fd_.get(), name).st_nlink >= fewest) {
        tracked_.emplace(journal, subject, fd_.get());
      }
    }

   private:
    sys::UniqueFd fd_;
    std::optional<Tracked> tracked_;
  };

  // What is to take a place. Its name is always the same for one file of one session: a run that
  // was killed may have left it.
  class Temporary {
   public:
    Temporary(const Entry& entry, int parent) : parent_(parent), name_(name_for(entry)) {
      remove();
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    // There is one when something failed, and where rename(2) left two names of one file.
    ~Temporary() { remove(); }

    static std::string name_for(const Entry& entry) {
      return ".oci-cnb-apply." + std::to_string(entry.now.st_ino);
    }
    const std::string& name() const { return name_; }

   private:
    void remove() { ::unlinkat(parent_, name_.c_str(), 0); }

    int parent_;
    std::string name_;
  };

  sys::UniqueFd open_parent(const std::string& path) const {
    const int fd =
        sys::open_below(subject_.source.get(), path, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
    if (fd < 0) throw SystemError("openat2", path, -fd, Code::kSource);
    return sys::UniqueFd(fd);
  }

  sys::UniqueFd open_now(const Entry& entry, int flags) const {
    const bool moved = !entry.data_in_source.empty();
    const int fd = sys::open_below(moved ? subject_.layers.source : subject_.layers.upper,
                                   moved ? entry.data_in_source : entry.path, flags | O_NOFOLLOW);
    if (fd < 0) {
      throw SystemError("openat2", entry.path, -fd, Code::kSession,
                        "a file of a subordinate id? then: podman unshare oci-cnb session apply");
    }
    return sys::UniqueFd(fd);
  }

  // With its metadata from the first moment, so that a run that is repeated finds it done; only its
  // owner's right to write in it may still be too much.
  void put_directory(const Entry& entry, int parent) {
    const std::string name = base_name(entry.path);
    const auto there = sys::stat_at(parent, name);
    if (there && S_ISDIR(there->st_mode)) return;
    const std::string temporary = Temporary::name_for(entry);
    if (::mkdirat(parent, temporary.c_str(), 0700) != 0 && errno != EEXIST) {
      throw SystemError("mkdirat", entry.path, errno, Code::kSource);
    }
    const sys::UniqueFd to =
        sys::open_at(parent, temporary, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
    Entry writable = entry;
    writable.now.st_mode |= S_IRWXU;
    copy_metadata(writable, open_now(entry, O_RDONLY | O_DIRECTORY).get(), to.get());
    journal_.begin(sys::stat_fd(to.get(), entry.path));
    const int result = sys::rename_to_free_name(parent, temporary, parent, name);
    if (result != 0) {
      ::unlinkat(parent, temporary.c_str(), AT_REMOVEDIR);
      throw SystemError("renameat2", entry.path, -result, Code::kSource);
    }
    journal_.add(sys::stat_fd(to.get(), entry.path));
  }

  void put_file(const Entry& entry, int parent) {
    const Temporary temporary(entry, parent);
    make_temporary(entry, parent, temporary.name());
    take_place(entry, parent, temporary.name());
  }

  void make_temporary(const Entry& entry, int parent, const std::string& temporary) {
    if (S_ISREG(entry.now.st_mode)) {
      const sys::UniqueFd from = open_now(entry, O_RDONLY | O_NONBLOCK);
      const sys::UniqueFd to = sys::open_at(
          parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, sys::Resolve::kStrict, 0600);
      copy_contents(from.get(), to.get(), entry.path);
      copy_metadata(entry, from.get(), to.get());
      // A rename may reach the disk before what was written does.
      if (::fsync(to.get()) != 0) throw SystemError("fsync", entry.path, errno, Code::kSource);
    } else if (S_ISLNK(entry.now.st_mode)) {
      make_link(entry, parent, temporary);
    } else if (::mknodat(parent, temporary.c_str(), entry.now.st_mode, entry.now.st_rdev) != 0) {
      throw SystemError("mknodat", entry.path, errno);
    }
  }

  void make_link(const Entry& entry, int parent, const std::string& temporary) const {
    const bool moved = !entry.data_in_source.empty();
    const std::string& path = moved ? entry.data_in_source : entry.path;
    const int fd = sys::open_below(moved ? subject_.layers.source : subject_.layers.upper,
                                   parent_path(path), O_PATH | O_DIRECTORY);
    if (fd < 0) throw SystemError("openat2", path, -fd);
    const sys::UniqueFd directory(fd);
    const std::string target = read_link(fd, base_name(path));
    if (::symlinkat(target.c_str(), parent, temporary.c_str()) != 0) {
      throw SystemError("symlinkat", entry.path, errno);
    }
    const auto [uid, gid] = owner_of(entry);
    // An owner that we may not set stays ours.
    static_cast<void>(::fchownat(parent, temporary.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) == 0);
  }

  // False: it has to be a copy, which is told.
  bool put_link(const Step& step, int parent) {
    const Temporary temporary(step.entry, parent);
    const sys::UniqueFd other = open_parent(parent_path(step.hard_link));
    const std::string name = base_name(step.hard_link);
    const TrackedFile first(journal_, subject_, other.get(), name, 1);
    if (::linkat(other.get(), name.c_str(), parent, temporary.name().c_str(), 0) != 0) {
      left_out.push_back(quote(step.entry.path) + ": a copy, no link to " + quote(step.hard_link) +
                         ": " + std::strerror(errno));
      return false;
    }
    take_place(step.entry, parent, temporary.name());
    return true;
  }

  void take_place(const Entry& entry, int parent, const std::string& temporary) {
    const std::string name = base_name(entry.path);
    const bool replaces = entry.kind == Kind::kModified && !entry.retyped();
    const auto there = sys::stat_at(parent, name);
    const auto same = [&] {
      return there && there->st_ino == entry.old.st_ino &&
             (copy::stamp_of(there->st_ctim) == copy::stamp_of(entry.old.st_ctim) ||
              journal_.knows(*there));
    };
    if (replaces && !same()) {
      throw Error(Code::kSource, "was changed while we were at work", quote(entry.path),
                  "look at it, and apply again");
    }
    const bool may_replace = replaces || (there && journal_.knows(*there)) || force_;
    const TrackedFile old(journal_, subject_, parent, name, 2);
    if (const auto made = sys::stat_at(parent, temporary)) journal_.begin(*made);
    if (may_replace) {
      if (::renameat(parent, temporary.c_str(), parent, name.c_str()) != 0) {
        throw SystemError("renameat", entry.path, errno, Code::kSource);
      }
    } else if (const int result = sys::rename_to_free_name(parent, temporary, parent, name);
               result != 0) {
      throw SystemError("renameat2", entry.path, -result, Code::kSource);
    }
    if (const auto now = sys::stat_at(parent, name)) journal_.add(*now);
  }

  // Owners on disk: the id-mapped lower's exchange is undone.
  std::pair<uid_t, gid_t> owner_of(const Entry& entry) const {
    return {subject_.layers.shift.uid.apply(entry.now.st_uid),
            subject_.layers.shift.gid.apply(entry.now.st_gid)};
  }

  void copy_metadata(const Entry& entry, int from, int to) const {
    const auto [uid, gid] = owner_of(entry);
    const struct ::stat own = sys::stat_fd(to, entry.path);
    // An owner that we may not set stays ours, and gets no power that was meant for another.
    const bool kept = (own.st_uid == uid && own.st_gid == gid) || ::fchown(to, uid, gid) == 0;
    const mode_t mode = entry.now.st_mode & (kept ? 07777U : 01777U);
    for (const std::string& name : sys::list_xattrs(from)) {
      if (is_overlay_xattr(name) || !name.starts_with("user.")) continue;
      if (const auto value = sys::get_xattr(from, name)) {
        static_cast<void>(sys::set_xattr(to, name, *value));
      }
    }
    if (::fchmod(to, mode) != 0) throw SystemError("fchmod", entry.path, errno);
    const std::array<struct timespec, 2> times{entry.now.st_atim, entry.now.st_mtim};
    if (::futimens(to, times.data()) != 0) throw SystemError("futimens", entry.path, errno);
  }

  void remove_all(const Step& step) {
    for (const std::string& path : step.removals) {
      const sys::UniqueFd parent = open_parent(parent_path(path));
      const Tracked tracked(journal_, subject_, parent.get());
      const std::string name = base_name(path);
      const auto status = sys::stat_at(parent.get(), name);
      if (!status) continue;
      const bool directory = S_ISDIR(status->st_mode);
      const TrackedFile old(journal_, subject_, parent.get(), name, 2);
      if (::unlinkat(parent.get(), name.c_str(), directory ? AT_REMOVEDIR : 0) == 0) continue;
      // What the rules hide stays, and so does its directory.
      if (directory && errno == ENOTEMPTY && !step.entry.retyped()) continue;
      throw SystemError("unlinkat", path, errno, Code::kSource);
    }
    if (step.entry.retyped() && step.removals.empty()) {
      const sys::UniqueFd parent = open_parent(parent_path(step.entry.path));
      const std::string name = base_name(step.entry.path);
      const TrackedFile old(journal_, subject_, parent.get(), name, 2);
      if (::unlinkat(parent.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
        throw SystemError("unlinkat", step.entry.path, errno, Code::kSource);
      }
    }
  }

  const Subject& subject_;
  Journal& journal_;
  bool force_;
};

}  // namespace

std::vector<std::string> apply(const Subject& subject, const std::vector<Step>& steps,
                               Journal& journal, const std::function<void(size_t)>& progress) {
  // Steps with conflicts are here because the user wants them all the same.
  const bool force = std::any_of(steps.begin(), steps.end(),
                                 [](const Step& step) { return !step.conflict.empty(); });
  Apply work(subject, journal, force);
  size_t done = 0;
  for (const Step& step : steps) {
    work.put(step);
    progress(++done);
  }
  work.flush();
  for (const Step& step : steps) work.remove(step);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const bool directory = step->entry.kind != Kind::kDeleted && S_ISDIR(step->entry.now.st_mode);
    if (directory) work.finish_directory(step->entry);
  }
  work.flush();
  return std::move(work.left_out);
}

}  // namespace hookcore::changes
