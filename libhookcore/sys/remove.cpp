#include "libhookcore/sys/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/file.h"

namespace hookcore::sys {
namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

// One directory on the way down.
struct Level {
  std::string name;
  DirectoryStream stream;
  bool failed = false;  // something below could not be removed: rmdir would only say ENOTEMPTY
};

class TreeRemover {
 public:
  TreeRemover(int parent_fd, std::string name, uint64_t limit)
      : parent_fd_(parent_fd),
        device_(stat_fd(parent_fd, "parent").st_dev),
        name_(std::move(name)),
        limit_(limit) {}

  RemoveResult run() {
    moved_up_.push_back(name_);
    while (!moved_up_.empty() && !result_.cut_off) {
      const std::string name = std::move(moved_up_.back());
      moved_up_.pop_back();
      remove_entry(parent_fd_, name);
      while (!levels_.empty() && !result_.cut_off) step();
    }
    return std::move(result_);
  }

 private:
  // Every level holds a descriptor. What lies deeper is moved up beside the tree and removed from
  // there, so that no depth exhausts them.
  static constexpr size_t kMaxDepth = 64;

  void leave(const std::string& name, std::string_view reason) {
    if (result_.left++ == 0) {
      std::string path;
      for (const Level& level : levels_) path += level.name + "/";
      result_.first_left = quote(path + name) + ": " + std::string(reason);
    }
    if (!levels_.empty()) levels_.back().failed = true;
  }

  void remove_entry(int dirfd, const std::string& name) {
    if (::unlinkat(dirfd, name.c_str(), 0) == 0) {
      ++result_.removed;
      return;
    }
    if (errno == ENOENT) return;
    if (errno != EISDIR && errno != EPERM) {
      leave(name, std::strerror(errno));
      return;
    }
    descend(dirfd, name, errno);
  }

  void descend(int dirfd, const std::string& name, int unlink_error) {
    const int opened =
        open_at_raw(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, Resolve::kStrict);
    if (opened == -ENOENT) return;
    if (opened < 0) {
      // Not a directory: then what unlink said counts (EPERM of an immutable file).
      leave(name, opened == -EXDEV ? "something is mounted on it" : std::strerror(unlink_error));
      return;
    }
    const UniqueFd place(opened);
    struct ::stat status {};
    if (::fstat(place.get(), &status) != 0) {
      leave(name, std::strerror(errno));
      return;
    }
    if (status.st_dev != device_) {
      leave(name, "lies on another file system");
      return;
    }
    UniqueFd fd = open_for_removal(place.get(), status);
    if (!fd) {
      // Another user's, closed to us: when it is empty the parent's permission is enough.
      const int error = errno;
      if (::unlinkat(dirfd, name.c_str(), AT_REMOVEDIR) == 0) {
        ++result_.removed;
      } else {
        leave(name, std::strerror(error));
      }
      return;
    }
    if (levels_.size() >= kMaxDepth) {
      move_up(dirfd, name);
      return;
    }
    DirectoryStream stream(::fdopendir(fd.get()));
    if (!stream) {
      leave(name, std::strerror(errno));
      return;
    }
    static_cast<void>(fd.release());  // the stream's now
    levels_.push_back({name, std::move(stream), false});
  }

  void move_up(int dirfd, const std::string& name) {
    // A name may be taken by what a removal that was killed has moved up.
    while (true) {
      std::string above = name_ + ".deep." + std::to_string(moves_++);
      const int result = rename_to_free_name(dirfd, name, parent_fd_, above);
      if (result == 0) {
        moved_up_.push_back(std::move(above));
        return;
      }
      if (result == -EEXIST) continue;
      if (result != -ENOENT) leave(name, std::strerror(-result));
      return;
    }
  }

  // The directory behind place, readable, searchable and writable for us; or empty with errno.
  static UniqueFd open_for_removal(int place, const struct ::stat& status) {
    if ((status.st_mode & 0700) != 0700) {
      // Not fchmodat(2), which follows a link that was swapped in; the magic link is this object.
      const std::string path = "/proc/self/fd/" + std::to_string(place);
      if (::chmod(path.c_str(), 0700) != 0) return {};
    }
    return UniqueFd(plain_openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  void step() {
    if (result_.removed + result_.left >= limit_) {
      result_.cut_off = true;
      return;
    }
    Level& level = levels_.back();
    // A stream belongs to one TreeRemover and so to one thread.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    const struct ::dirent* entry = ::readdir(level.stream.get());
    if (entry != nullptr) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") remove_entry(::dirfd(level.stream.get()), name);
      return;
    }
    finish();
  }

  void finish() {
    const std::string name = levels_.back().name;
    const bool failed = levels_.back().failed;
    levels_.pop_back();
    const int dirfd = levels_.empty() ? parent_fd_ : ::dirfd(levels_.back().stream.get());
    if (failed) {
      if (!levels_.empty()) levels_.back().failed = true;
      return;
    }
    if (::unlinkat(dirfd, name.c_str(), AT_REMOVEDIR) == 0) {
      ++result_.removed;
    } else if (errno != ENOENT) {
      leave(name, std::strerror(errno));
    }
  }

  int parent_fd_;
  dev_t device_;
  std::string name_;
  uint64_t limit_;
  std::vector<Level> levels_;
  std::vector<std::string> moved_up_;
  unsigned moves_ = 0;
  RemoveResult result_;
};

}  // namespace

RemoveResult remove_tree(int parent_fd, const std::string& name, uint64_t limit) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    throw Error(Code::kSystem, "not the name of an entry", quote(name));
  }
  return TreeRemover(parent_fd, name, limit).run();
}

}  // namespace hookcore::sys
