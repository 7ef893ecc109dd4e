#include "libhookcore/session/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/session/liveness.h"
#include "libhookcore/sys/file.h"

namespace hookcore::session {
namespace {

constexpr mode_t kPrivate = 0700;
constexpr mode_t kUsual = 0755;

// Makes name below parent, which path leads to, where it is absent; a link there is refused.
sys::UniqueFd open_private(int parent, const std::string& name, const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  if (auto there = sys::try_open_at(parent, name, kFlags, sys::Resolve::kNoLinks)) {
    return std::move(*there);
  }
  if (::mkdirat(parent, name.c_str(), kPrivate) != 0 && errno != EEXIST) {
    throw SystemError("mkdirat", join_path(path, name), errno, Code::kScratch,
                      "see that it is writable and has room (df, df -i), or set scratch-dir in "
                      "config.toml to another directory");
  }
  return sys::open_at(parent, name, kFlags, sys::Resolve::kNoLinks);
}

void require_ours(int fd, const std::string& path) {
  const struct ::stat status = sys::stat_fd(fd, path);
  if (status.st_uid == ::geteuid() && (status.st_mode & 022) == 0) return;
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", status.st_mode & 07777);
  throw Error(Code::kScratch,
              "the scratch directory belongs to uid " + std::to_string(status.st_uid) +
                  " with mode " + mode + ": others could change it under a running container",
              quote(path), "chown it to uid " + std::to_string(::geteuid()) + " and chmod 0700");
}

// Opens an absolute path, making what is absent from its end upwards.
sys::UniqueFd make_path(const std::string& path) {
  const int fd = sys::open_at_raw(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
  if (fd >= 0) return sys::UniqueFd(fd);
  if (fd != -ENOENT || path.size() < 2) throw SystemError("openat2", path, -fd, Code::kScratch);
  const std::string parent = parent_path(path);
  return open_private(make_path(parent).get(), base_name(path), parent);
}

}  // namespace

std::string default_root(bool rootful, uid_t uid, const std::string& home) {
  if (rootful) return "/var/lib/oci-cnb-hooks";
  if (!home.empty()) return home + "/.local/share/oci-cnb-hooks";
  return "/var/tmp/oci-cnb-hooks-" + std::to_string(uid);
}

std::string Store::session_path(const std::string& name) const {
  return root_ + "/" + kSessionsName + "/" + name;
}

Store Store::open(const std::string& root) {
  Store store(root);
  store.root_fd_ = make_path(root);
  require_ours(store.root_fd_.get(), root);
  store.sessions_ = open_private(store.root_fd_.get(), kSessionsName, root);
  store.trash_ = open_private(store.root_fd_.get(), kTrashName, root);
  return store;
}

std::optional<Store> Store::open_existing(const std::string& root) {
  if (!may_be_there(root)) return std::nullopt;
  return open(root);
}

sys::UniqueFd Store::log_directory() const { return open_private(root_fd_.get(), kLogName, root_); }

std::function<sys::UniqueFd()> Store::log_directory_opener() const {
  const auto root = std::make_shared<sys::UniqueFd>(::fcntl(root_fd_.get(), F_DUPFD_CLOEXEC, 3));
  return [root, path = root_] { return open_private(root->get(), kLogName, path); };
}

std::string Store::anonymous_name(const std::string& container_id) {
  // runtime-spec leaves the form of an id to the runtime; those in use fit a file name.
  const bool plain = !container_id.empty() && container_id.size() <= 200 &&
                     std::all_of(container_id.begin(), container_id.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' ||
                              c == '+';
                     });
  if (!plain) throw Error(Code::kState, "not a container id: " + quote(container_id));
  return std::string(kContainerPrefix) + container_id;
}

// Whether name, in a directory of ours, still stands for what was opened by it.
bool Store::is_named(int directory, const std::string& name, int fd) {
  const auto now = sys::stat_at(directory, name);
  return now && now->st_ino == sys::stat_fd(fd, name).st_ino;
}

// A session that another process removes while we wait is renamed first: the lock we get then is
// one of a directory that the name no longer means.
std::optional<Session> Store::lock(const std::string& name, bool wait) {
  while (true) {
    auto fd = sys::try_open_at(sessions_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                               sys::Resolve::kStrict);
    if (!fd) return std::nullopt;
    if (::flock(fd->get(), LOCK_EX | (wait ? 0 : LOCK_NB)) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return std::nullopt;
      throw SystemError("flock", name, errno, Code::kSession);
    }
    if (is_named(sessions_.get(), name, fd->get())) return Session(name, std::move(*fd), false);
  }
}

// false: it is there.
bool Store::make_session(const std::string& name) {
  if (::renameat2(root_fd_.get(), kSpareName, sessions_.get(), name.c_str(), RENAME_NOREPLACE) ==
          0 ||
      ::mkdirat(sessions_.get(), name.c_str(), kPrivate) == 0) {
    return true;
  }
  if (errno == EEXIST) return false;
  throw SystemError("mkdirat", session_path(name), errno, Code::kScratch,
                    "see that it is writable and has room (df, df -i)");
}

// In the trash until it is whole: whoever is killed here leaves nothing that isn't collected.
// Locked there, so that no collection is at work in it when it is taken for a session.
void Store::keep_spare(std::initializer_list<const char*> directories) {
  if (::faccessat(root_fd_.get(), kSpareName, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return;
  const std::string name = std::string(kSpareName) + "." + std::to_string(::getpid());
  if (::mkdirat(trash_.get(), name.c_str(), kPrivate) != 0) return;
  const sys::UniqueFd spare(
      std::max(-1, sys::open_at_raw(trash_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                    sys::Resolve::kStrict)));
  if (!spare || ::flock(spare.get(), LOCK_EX | LOCK_NB) != 0) return;
  for (const char* directory : directories) {
    if (::mkdirat(spare.get(), directory, kPrivate) != 0) return;
    // Most often the mode that it gets, and then nothing is left to be done.
    if (::fchmodat(spare.get(), directory, kUsual, 0) != 0) return;
  }
  const sys::UniqueFd state(std::max(-1, make_state_file(spare.get())));
  if (!state) return;
  // What stays where it is goes with the trash.
  static_cast<void>(
      ::renameat2(trash_.get(), name.c_str(), root_fd_.get(), kSpareName, RENAME_NOREPLACE));
}

Session Store::acquire(const std::string& name) {
  while (true) {
    const bool made = make_session(name);
    auto session = lock(name, true);
    if (!session) continue;
    session->is_new_ = made && !session->state_;
    return std::move(*session);
  }
}

std::optional<Session> Store::find(const std::string& name) { return lock(name, true); }

std::optional<sys::UniqueFd> Store::look(const std::string& name) const {
  return sys::try_open_at(sessions_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                          sys::Resolve::kStrict);
}

sys::UniqueFd Store::reopen(const Session& session) const {
  const std::string path = session_path(session.name());
  sys::UniqueFd fd = sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, sys::Resolve::kHost);
  if (sys::is_same_object(fd.get(), session.fd(), path)) return fd;
  throw Error(Code::kScratch, "the mount namespace shows another directory", quote(path));
}

std::vector<std::string> Store::names() const { return sys::list_directory(sessions_.get()); }

}  // namespace hookcore::session
