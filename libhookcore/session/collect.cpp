#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "libhookcore/base/error.h"
#include "libhookcore/session/helper.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/session/liveness.h"
#include "libhookcore/session/naming.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/file.h"

namespace hookcore::session {
namespace {

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

}  // namespace

std::string Store::trash_path(const std::string& name) const {
  return root_ + "/" + kTrashName + "/" + name;
}

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
                quote(trash_path(name)), "run `oci-cnb session gc`");
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
    result.problems.push_back(quote(trash_path(name)) + ": " + removed.first_left);
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

void Store::discard(const Session& session, const sys::Proc& proc, CollectResult& result) {
  const std::string report = end_helper(proc, session.state().value(), session.fd());
  if (!report.empty()) result.reports.push_back(session.name() + ": " + report);
  to_trash(session);
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
      throw Error(Code::kSession, "its state can't be read", quote(session_path(name)),
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
  discard(*session, proc, result);
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
  discard(*session, proc, result);
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
