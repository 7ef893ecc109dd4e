#include "libhookcore/hook/claim.h"

#include "libhookcore/base/error.h"

namespace hookcore::hook {
namespace {

// A container's id comes back only as a restart of it. What another container of this name left
// (bare runtimes let people choose names) is collected, not handed on.
session::Session acquire(session::Store& store, const sys::Proc& proc,
                         const session::SessionState& wanted) {
  const std::string name = session::Store::anonymous_name(wanted.container);
  while (true) {
    session::Session session = store.acquire(name);
    const auto& old = session.state();
    const bool leftover =
        !session.is_new() && (!old || (!session::has_living_member(proc, *old) &&
                                       !(old->restartable && wanted.restartable)));
    if (!leftover) return session;
    store.remove(std::move(session), proc);
  }
}

}  // namespace

Claim::Claim(session::Store& store, const sys::Proc& proc, session::SessionState wanted)
    : store_(store),
      proc_(proc),
      session_(acquire(store, proc, wanted)),
      state_(std::move(wanted)) {
  const session::Member& member = state_.members.back();
  if (session_.state()) {
    for (const session::Member& old : session_.state()->members) {
      if (!session::is_alive(proc, *session_.state(), old)) continue;
      if (old.pid == member.pid && old.start_time == member.start_time && old.mounted) {
        served_ = true;
        done_ = true;
        return;
      }
      done_ = true;
      throw Error(Code::kSession,
                  old.pid == member.pid ? "an earlier hook died while it prepared this container"
                                        : "a running container has the same id",
                  "container " + quote(state_.container),
                  "remove the container and start it again");
    }
    restart_ = true;
    old_boot_id_ = session_.state()->boot_id;
    // The upper is as old as it was.
    state_.origin.seconds = session_.state()->origin.seconds;
    state_.origin.nanoseconds = session_.state()->origin.nanoseconds;
  }
  session_.write_state(state_);
}

Claim::~Claim() {
  if (done_) return;
  try {
    undo();
  } catch (const Error&) {
    // What is left names a process that is about to die: `session gc` collects it.
  }
}

void Claim::commit() {
  state_.members.back().mounted = true;
  session_.write_state(state_);
  done_ = true;
}

void Claim::undo() {
  state_.members.clear();
  session_.write_state(state_);
  if (!restart_) store_.remove(std::move(session_), proc_);
}

}  // namespace hookcore::hook
