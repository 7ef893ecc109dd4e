#include "libhookcore/session/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "libhookcore/base/error.h"
#include "libhookcore/session/helper.h"
#include "libhookcore/session/naming.h"
#include "libhookcore/sys/directory.h"
#include "libhookcore/sys/file.h"

namespace hookcore::session {
namespace {

constexpr const char* kStateFile = "state.json";
constexpr const char* kSpare = "spare";
constexpr size_t kStateMax = 1 << 20;
constexpr mode_t kPrivate = 0700;
constexpr mode_t kUsual = 0755;

// Makes name below parent, which path leads to, where it is absent; a link there is refused.
sys::UniqueFd open_private(int parent, const std::string& name, const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  if (auto there = sys::try_open_at(parent, name, kFlags, sys::Resolve::kNoLinks)) {
    return std::move(*there);
  }
  if (::mkdirat(parent, name.c_str(), kPrivate) != 0 && errno != EEXIST) {
    throw SystemError("mkdirat", path + "/" + name, errno, Code::kScratch,
                      "see that it is writable and has room (df, df -i), or set scratch-dir in "
                      "config.toml to another directory");
  }
  return sys::open_at(parent, name, kFlags, sys::Resolve::kNoLinks);
}

// To be written: descriptor or -errno.
int make_state_file(int session_fd) {
  return sys::open_at_raw(session_fd, kStateFile, O_WRONLY | O_CREAT | O_NOFOLLOW,
                          sys::Resolve::kStrict, 0600);
}

// Whether name, in a directory of ours, still stands for what was opened by it.
bool is_named(int directory, const std::string& name, int fd) {
  const auto now = sys::stat_at(directory, name);
  return now && now->st_ino == sys::stat_fd(fd, name).st_ino;
}

void require_ours(int fd, const std::string& path) {
  const struct ::stat status = sys::stat_fd(fd, path);
  if (status.st_uid == ::geteuid() && (status.st_mode & 022) == 0) return;
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", status.st_mode & 07777);
  throw Error(Code::kSession,
              "the scratch directory belongs to uid " + std::to_string(status.st_uid) +
                  " with mode " + mode + ": others could change it under a running container",
              quote(path), "chown it to uid " + std::to_string(::geteuid()) + " and chmod 0700");
}

// Opens an absolute path, making what is absent from its end upwards.
sys::UniqueFd make_path(const std::string& path) {
  const int fd = sys::open_at_raw(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
  if (fd >= 0) return sys::UniqueFd(fd);
  if (fd != -ENOENT || path.size() < 2) throw SystemError("openat2", path, -fd, Code::kSession);
  const size_t slash = path.rfind('/');
  const sys::UniqueFd parent = make_path(slash == 0 ? "/" : path.substr(0, slash));
  return open_private(parent.get(), path.substr(slash + 1), path.substr(0, slash));
}

// A pod's sandbox is made anew when the machine or the sandbox had ended, and its containers expect
// what they had: nothing goes in between.
constexpr int64_t kPodGrace = 600;  // seconds

// idle: seconds for which no container was started or ended.
bool is_due(const sys::Proc& proc, const SessionState& state, int64_t idle, uint64_t limit) {
  if (state.kind != Kind::kNamed) {
    return is_over(proc, state) && (state.kind == Kind::kContainer || idle > kPodGrace);
  }
  return limit > 0 && !has_living_member(proc, state) && idle > static_cast<int64_t>(limit);
}

// false only when that is sure: a directory that can't be looked into may hold it.
bool may_be_there(const std::string& path) {
  struct ::stat status {};
  return ::stat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

// A collector in a container may not see the engine's state at all, and a living pod can be without
// a container for a moment. The directory two levels up is the engine's own: it holds all
// sandboxes.
bool sandbox_is_gone(const std::string& bundle) {
  const std::string above = bundle.substr(0, bundle.rfind('/'));
  const std::string engine = above.substr(0, above.rfind('/'));
  return engine.size() > 1 && ::access(engine.c_str(), F_OK) == 0 && !may_be_there(bundle);
}

}  // namespace

std::string default_root(bool rootful, uid_t uid, const std::string& home) {
  if (rootful) return "/var/lib/oci-cnb-hooks";
  if (!home.empty()) return home + "/.local/share/oci-cnb-hooks";
  return "/var/tmp/oci-cnb-hooks-" + std::to_string(uid);
}

bool is_over(const sys::Proc& proc, const SessionState& state) {
  if (has_living_member(proc, state)) return false;
  switch (state.kind) {
    case Kind::kContainer:
      return !state.restartable || !may_be_there(state.bundle);
    case Kind::kPod:
      return sandbox_is_gone(state.pod_bundle);
    case Kind::kNamed:
      break;
  }
  return false;
}

std::optional<SessionState> read_state(int session_fd) {
  const auto file =
      sys::try_open_at(session_fd, kStateFile, O_RDONLY | O_NOFOLLOW, sys::Resolve::kStrict);
  if (!file) return std::nullopt;
  const std::string text = sys::read_all(file->get(), kStateMax, kStateFile);
  // Laid in for the first one.
  if (text.empty()) return std::nullopt;
  return parse_session_state(text);
}

Session::Session(std::string name, sys::UniqueFd fd, bool is_new)
    : name_(std::move(name)), fd_(std::move(fd)), is_new_(is_new), state_(read_state(fd_.get())) {}

bool Session::has_content() const {
  if (sys::stat_at(fd_.get(), kCopyName)) return true;
  const int upper =
      sys::open_at_raw(fd_.get(), kUpperName, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
  if (upper == -ENOENT) return false;
  if (upper == -EACCES) return true;  // what is closed to us isn't taken for empty
  if (upper < 0) throw SystemError("openat2", kUpperName, -upper, Code::kSession);
  return !sys::list_directory(sys::UniqueFd(upper).get()).empty();
}

void Session::write_state(SessionState state) {
  try {
    put_state(state);
  } catch (const SystemError& error) {
    if (error.error_number() != ENOSPC && error.error_number() != EDQUOT) throw;
    throw Error(Code::kScratch, error.what(), error.where(),
                "make room where scratch is (df, df -i, oci-cnb session list), or set scratch-dir "
                "in config.toml to another disk");
  }
  state_ = std::move(state);
}

void Session::put_state(const SessionState& state) {
  const std::string text = format_state(state);
  if (state.kind != Kind::kContainer) {
    sys::replace_file(fd_.get(), kStateFile, text, 0600, sys::Durability::kDurable);
  } else if (!add_state(text)) {
    sys::replace_file(fd_.get(), kStateFile, text, 0600, sys::Durability::kCrash);
  }
}

// Half a state at the file's end is as good as none, so a container's start is spared the making
// and exchanging of files. false: the file isn't this object's.
bool Session::add_state(const std::string& text) {
  sys::UniqueFd file = std::move(state_file_);
  if (!file && is_new_ && !state_) {
    const int made = make_state_file(fd_.get());
    if (made < 0) throw SystemError("openat2", kStateFile, -made, Code::kScratch);
    file.reset(made);
    // A hook that was killed at its first write was here between our making and our locking.
    if (sys::stat_fd(file.get(), kStateFile).st_size > 0) return false;
  }
  if (!file) return false;
  sys::write_all(file.get(), text, kStateFile);
  state_file_ = std::move(file);  // not after a failure: nothing may follow half a state
  return true;
}

Store Store::open(const std::string& root) {
  Store store(root);
  store.root_fd_ = make_path(root);
  require_ours(store.root_fd_.get(), root);
  store.sessions_ = open_private(store.root_fd_.get(), "sessions", root);
  store.trash_ = open_private(store.root_fd_.get(), "trash", root);
  return store;
}

std::optional<Store> Store::open_existing(const std::string& root) {
  if (!may_be_there(root)) return std::nullopt;
  return open(root);
}

sys::UniqueFd Store::log_directory() const { return open_private(root_fd_.get(), "log", root_); }

std::function<sys::UniqueFd()> Store::log_directory_opener() const {
  const auto root = std::make_shared<sys::UniqueFd>(::fcntl(root_fd_.get(), F_DUPFD_CLOEXEC, 3));
  return [root, path = root_] { return open_private(root->get(), "log", path); };
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
  return "c-" + container_id;
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
  if (::renameat2(root_fd_.get(), kSpare, sessions_.get(), name.c_str(), RENAME_NOREPLACE) == 0 ||
      ::mkdirat(sessions_.get(), name.c_str(), kPrivate) == 0) {
    return true;
  }
  if (errno == EEXIST) return false;
  throw SystemError("mkdirat", root_ + "/sessions/" + name, errno, Code::kScratch,
                    "see that it is writable and has room (df, df -i)");
}

// In the trash until it is whole: whoever is killed here leaves nothing that isn't collected.
// Locked there, so that no collection is at work in it when it is taken for a session.
void Store::keep_spare(std::initializer_list<const char*> directories) {
  if (::faccessat(root_fd_.get(), kSpare, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return;
  const std::string name = std::string(kSpare) + "." + std::to_string(::getpid());
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
      ::renameat2(trash_.get(), name.c_str(), root_fd_.get(), kSpare, RENAME_NOREPLACE));
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

std::vector<std::string> Store::names() const { return sys::list_directory(sessions_.get()); }

std::string Store::to_trash(const Session& session) {
  struct timespec now {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::string name = session.name() + "." + std::to_string(now.tv_sec) + "." +
                     std::to_string(now.tv_nsec) + "." + std::to_string(::getpid());
  if (::renameat(sessions_.get(), session.name().c_str(), trash_.get(), name.c_str()) != 0) {
    throw SystemError("renameat", session.name(), errno, Code::kSession);
  }
  return name;
}

// cppcheck-suppress passedByValue  // the lock is given up with it
bool Store::remove(Session session, const sys::Proc& proc, uint64_t limit) {
  if (session.state() && has_living_member(proc, *session.state())) {
    throw Error(Code::kSession, "a container of this session is running", quote(session.name()),
                "stop it first");
  }
  if (session.state() && is_still_mounted(proc, *session.state())) {
    throw Error(Code::kSession, "a process of an ended container still has this session mounted",
                quote(session.name()), "end that process first");
  }
  if (session.state()) static_cast<void>(end_helper(proc, *session.state(), session.fd()));
  const std::string name = to_trash(session);
  const sys::RemoveResult result = sys::remove_tree(trash_.get(), name, limit);
  if (result.left > 0) {
    throw Error(Code::kSession, "scratch could not be removed: " + result.first_left,
                quote(root_ + "/trash/" + name), "run `oci-cnb session gc`");
  }
  return result.complete();
}

void Store::empty_trash(CollectResult& result, uint64_t limit) {
  for (const std::string& name : sys::list_directory(trash_.get())) {
    // A session's own lock goes with it: two removers would only be in each other's way.
    const int opened = sys::open_at_raw(trash_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                        sys::Resolve::kStrict);
    if (opened == -ENOENT) continue;
    const sys::UniqueFd lock(std::max(-1, opened));
    const int how = limit == sys::kNoLimit ? LOCK_EX : LOCK_EX | LOCK_NB;
    if (limit == 0 || (lock && ::flock(lock.get(), how) != 0)) {
      result.unfinished = true;
      continue;
    }
    // Locked is what it was: a spare may have been taken from here while we waited.
    if (lock && !is_named(trash_.get(), name, lock.get())) continue;
    const sys::RemoveResult removed = sys::remove_tree(trash_.get(), name, limit);
    if (limit != sys::kNoLimit) limit -= std::min(limit, removed.removed + removed.left);
    result.unfinished = result.unfinished || removed.cut_off;
    if (removed.left == 0) continue;
    result.problems.push_back(quote(root_ + "/trash/" + name) + ": " + removed.first_left);
  }
}

void Store::empty_trash_detached(const std::function<void(const CollectResult&)>& then) {
  sys::run_detached(trash_.get(), [&] {
    CollectResult result;
    empty_trash(result);
    if (then) then(result);
  });
}

// What a killed hook was about to put beside the sessions. One that is at work finds it gone, and
// goes on without it (hook::UpperProbe).
void Store::sweep_temporary_files(CollectResult& result) {
  for (const std::string& name : sys::list_directory(root_fd_.get())) {
    if (!name.starts_with('.')) continue;
    const sys::RemoveResult removed = sys::remove_tree(root_fd_.get(), name);
    if (!removed.complete()) result.problems.push_back(removed.first_left);
  }
}

// Judged under the lock.
bool Store::collect_one(const std::string& name, const sys::Proc& proc, uint64_t idle_seconds,
                        CollectResult& result) {
  auto session = lock(name, false);
  if (!session) return false;
  if (!session->state()) {
    // A container's is written before anything is mounted: then nobody has. What outlives its
    // containers isn't thrown away for being unreadable.
    if (kind_of(name) != Kind::kContainer && session->has_content()) {
      throw Error(Code::kSession, "its state can't be read", quote(root_ + "/sessions/" + name),
                  "`oci-cnb session rm` removes it");
    }
    to_trash(*session);
    return true;
  }
  SessionState state = *session->state();
  if (state.kind != Kind::kContainer && drop_dead_members(proc, state)) {
    // Nobody has told that they ended: the time without a container begins now.
    session->write_state(std::move(state));
    return false;
  }
  const int64_t idle = ::time(nullptr) - sys::stat_fd(session->fd(), name).st_mtim.tv_sec;
  if (!is_due(proc, state, idle, idle_seconds) || is_still_mounted(proc, state)) return false;
  const std::string report = end_helper(proc, state, session->fd());
  if (!report.empty()) result.reports.push_back(name + ": " + report);
  to_trash(*session);
  return true;
}

// Another collection may be looking at it, and only this one knows that the pod is removed: its
// lock is waited for. What the engine says isn't enough by itself, since it may have lost a sandbox
// that runs on; nor is the disk after a restart of the machine, when no sandbox has its bundle.
bool Store::collect_removed_pod(const std::string& name, const sys::Proc& proc,
                                CollectResult& result) {
  const auto session = lock(name, true);
  if (!session || !session->state()) return false;
  const SessionState& state = *session->state();
  if (state.kind != Kind::kPod || state.boot_id != proc.boot_id()) return false;
  if (!is_over(proc, state) || is_still_mounted(proc, state)) {
    ++result.awaited;
    return false;
  }
  const std::string report = end_helper(proc, state, session->fd());
  if (!report.empty()) result.reports.push_back(name + ": " + report);
  to_trash(*session);
  ++result.removed;
  return true;
}

CollectResult Store::collect(const sys::Proc& proc, uint64_t idle_seconds, uint64_t limit,
                             const IsPodRemoved& is_removed) {
  const auto is_of_removed_pod = [&](const std::string& name) {
    return is_removed && name.starts_with(kPodPrefix) &&
           is_removed(std::string_view(name).substr(kPodPrefix.size()));
  };
  CollectResult result;
  for (const std::string& name : names()) {
    try {
      if (is_of_removed_pod(name) && collect_removed_pod(name, proc, result)) continue;
      ++(collect_one(name, proc, idle_seconds, result) ? result.removed : result.kept);
    } catch (const Error& error) {
      result.problems.push_back(error.line());
    }
  }
  empty_trash(result, limit);
  sweep_temporary_files(result);
  return result;
}

}  // namespace hookcore::session
