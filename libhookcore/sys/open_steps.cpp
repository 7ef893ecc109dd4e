#include "libhookcore/sys/open_steps.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string_view>
#include <vector>

#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::sys {
namespace {

constexpr int kPlace = O_PATH | O_NOFOLLOW | O_CLOEXEC;

class StepWalk {
 public:
  StepWalk(int flags, Resolve resolve, mode_t mode)
      : flags_(flags | O_CLOEXEC), mode_(mode), resolve_(resolve) {}

  // A descriptor or -errno.
  int run(int dirfd, const std::string& path) {
    if (path.empty()) return -ENOENT;
    if (path.size() >= PATH_MAX) return -ENAMETOOLONG;
    if (const int error = start(dirfd, path); error != 0) return error;
    add(path);
    while (!rest_.empty()) {
      const std::string name = std::move(rest_.back());
      rest_.pop_back();
      const bool last = rest_.empty();
      if (name == "..") {
        if (const int error = go_up(); error != 0) return error;
      } else if (last && name != ".") {
        const int result = finish(name);
        if (result != kGoOn) return result;
      } else if (const int error = go_down(name); error != 0) {
        return error;
      }
    }
    return open_here(places_.back().get());
  }

 private:
  static constexpr int kGoOn = INT_MIN;  // a link led on
  static constexpr int kMaxLinks = 40;   // path_resolution(7)

  bool follows_links() const { return resolve_ == Resolve::kInRoot || resolve_ == Resolve::kHost; }

  int start(int dirfd, const std::string& path) {
    if (path.front() != '/') return begin_at(UniqueFd(plain_openat(dirfd, ".", kPlace)));
    if (resolve_ == Resolve::kHost) return begin_at(UniqueFd(plain_openat(AT_FDCWD, "/", kPlace)));
    return follows_links() ? begin_at(UniqueFd(plain_openat(dirfd, ".", kPlace))) : -EXDEV;
  }

  int begin_at(UniqueFd place) {
    if (!place) return -errno;
    places_.clear();
    places_.push_back(std::move(place));
    if (resolve_ != Resolve::kStrict) return 0;
    mount_ = known_mount_id(places_.back().get());
    return mount_ ? 0 : -ENOSYS;
  }

  // The components to go next; the next one stands at the end.
  void add(std::string_view path) {
    std::vector<std::string> names;
    while (!path.empty()) {
      const size_t slash = path.find('/');
      if (slash != 0) names.emplace_back(path.substr(0, slash));
      // What ends in a slash is a directory.
      if (slash == path.size() - 1) names.emplace_back(".");
      path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    rest_.insert(rest_.end(), std::make_move_iterator(names.rbegin()),
                 std::make_move_iterator(names.rend()));
  }

  int go_up() {
    struct ::stat status {};
    if (::fstat(places_.back().get(), &status) != 0) return -errno;
    if (!S_ISDIR(status.st_mode)) return -ENOTDIR;
    if (places_.size() > 1) {
      places_.pop_back();
      return 0;
    }
    if (resolve_ == Resolve::kInRoot) return 0;
    if (resolve_ != Resolve::kHost) return -EXDEV;
    return begin_at(UniqueFd(plain_openat(places_.back().get(), "..", kPlace)));
  }

  int go_down(const std::string& name) {
    UniqueFd place(plain_openat(places_.back().get(), name.c_str(), kPlace));
    if (!place) return -errno;
    struct ::stat status {};
    if (::fstat(place.get(), &status) != 0) return -errno;
    if (S_ISLNK(status.st_mode)) return follow(place.get());
    if (!on_mount(place.get())) return -EXDEV;
    if (name != ".") places_.push_back(std::move(place));
    return 0;
  }

  int follow(int link) {
    if (!follows_links() || ++links_ > kMaxLinks) return -ELOOP;
    if (is_magic(link)) return -ELOOP;
    std::array<char, PATH_MAX> buffer{};
    const ssize_t size = ::readlinkat(link, "", buffer.data(), buffer.size());
    if (size < 0) return -errno;
    if (size == 0) return -ENOENT;
    const std::string_view target(buffer.data(), static_cast<size_t>(size));
    if (target.front() == '/') {
      if (resolve_ == Resolve::kInRoot) {
        places_.resize(1);
      } else if (const int error = begin_at(UniqueFd(plain_openat(AT_FDCWD, "/", kPlace)));
                 error != 0) {
        return error;
      }
    }
    add(target);
    return 0;
  }

  // On procfs those are ordinary that stand in its root ("self"), which has the inode 1
  // (PROC_ROOT_INO, include/linux/proc_fs.h); no other file system has magic ones.
  bool is_magic(int link) const {
    struct ::statfs file_system {};
    struct ::stat directory {};
    return ::fstatfs(link, &file_system) != 0 ||
           (file_system.f_type == PROC_SUPER_MAGIC &&
            (::fstat(places_.back().get(), &directory) != 0 || directory.st_ino != 1));
  }

  bool on_mount(int fd) const { return !mount_ || known_mount_id(fd) == mount_; }

  int finish(const std::string& name) {
    if ((flags_ & O_CREAT) != 0) return create(name);
    UniqueFd place(plain_openat(places_.back().get(), name.c_str(), kPlace));
    if (!place) return -errno;
    struct ::stat status {};
    if (::fstat(place.get(), &status) != 0) return -errno;
    const bool link = S_ISLNK(status.st_mode);
    if (link && (flags_ & O_NOFOLLOW) == 0) {
      const int error = follow(place.get());
      return error == 0 ? kGoOn : error;
    }
    if (!on_mount(place.get())) return -EXDEV;
    if ((flags_ & O_DIRECTORY) != 0 && !S_ISDIR(status.st_mode)) return -ENOTDIR;
    if ((flags_ & O_PATH) != 0) return place.release();
    if (link) return -ELOOP;
    return S_ISDIR(status.st_mode) ? open_here(place.get()) : open_same(name, status);
  }

  int create(const std::string& name) const {
    UniqueFd made(plain_openat(places_.back().get(), name.c_str(), flags_ | O_NOFOLLOW, mode_));
    if (!made) return -errno;
    return on_mount(made.get()) ? made.release() : -EXDEV;
  }

  // There is no opening by descriptor without /proc; what has taken the name meanwhile is refused.
  int open_same(const std::string& name, const struct ::stat& seen) const {
    UniqueFd opened(plain_openat(places_.back().get(), name.c_str(), flags_ | O_NOFOLLOW));
    if (!opened) return -errno;
    struct ::stat status {};
    if (::fstat(opened.get(), &status) != 0) return -errno;
    return is_same_object(status, seen) ? opened.release() : -EAGAIN;
  }

  int open_here(int place) const {
    const int fd = plain_openat(place, ".", flags_ & ~O_NOFOLLOW, mode_);
    return fd < 0 ? -errno : fd;
  }

  int flags_;
  mode_t mode_;
  Resolve resolve_;
  int links_ = 0;
  std::optional<uint64_t> mount_;  // the one to stay on
  std::vector<UniqueFd> places_;   // from the start to where we are
  std::vector<std::string> rest_;
};

}  // namespace

int open_by_steps(int dirfd, const std::string& path, int flags, Resolve resolve, mode_t mode) {
  return StepWalk(flags, resolve, mode).run(dirfd, path);
}

}  // namespace hookcore::sys
