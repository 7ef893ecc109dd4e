#include "libhookcore/hook/claim.h"

#include "libhookcore/base/error.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/session/liveness.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/shared_mount.h"

namespace hookcore::hook {
namespace {

// A container's id comes back only as a restart of it. What another container of this name left
// (bare runtimes let people choose names) is collected, not handed on.
session::Session acquire(session::Store& store, const sys::Proc& proc,
                         const session::Identity& identity, const session::SessionState& wanted) {
  while (true) {
    session::Session session = store.acquire(identity.directory);
    if (identity.kind != session::Kind::kContainer) return session;
    const auto& old = session.state();
    const bool leftover =
        !session.is_new() && (!old || (!session::has_living_member(proc, *old) &&
                                       !(old->restartable && wanted.restartable)));
    if (!leftover) return session;
    // What is much is left in trash, for the next collection.
    store.remove(std::move(session), proc, session::kAtOnce);
  }
}

void keep_age(const session::Origin& old, session::Origin& origin) {
  origin.seconds = old.seconds;
  origin.nanoseconds = old.nanoseconds;
}

}  // namespace

Claim::Claim(session::Store& store, const sys::Proc& proc, const session::Identity& identity,
             session::SessionState wanted)
    : store_(store),
      proc_(proc),
      session_(acquire(store, proc, identity, wanted)),
      state_(std::move(wanted)) {
  fresh_ = !session_.state();
  if (!fresh_) check_members();
  if (served_) return;
  if (identity.kind == session::Kind::kContainer) {
    claim_own();
  } else {
    claim_shared();
  }
  done_ = false;
  // Written before anything is mounted. A container that joins mounts nothing that its session
  // doesn't know.
  if (!holder_) begin();
}

// A constructor that throws undoes nothing by itself.
void Claim::begin() {
  try {
    session_.write_state(state_);
  } catch (const Error&) {
    if (fresh_) store_.remove(std::move(session_), proc_);
    throw;
  }
}

// Nothing of ours is changed by a refusal here.
void Claim::check_members() {
  const session::Member& member = state_.members.back();
  for (const session::Member& old : session_.state()->members) {
    if (!session::is_alive(proc_, *session_.state(), old)) continue;
    const bool same = old.pid == member.pid && old.start_time == member.start_time;
    if (same && old.mounted) served_ = true;
    if (old.mounted) continue;
    throw Error(Code::kSession, "an earlier hook died while it prepared a container",
                "container " + quote(old.container.empty() ? state_.container : old.container),
                "remove that container and start this one again");
  }
}

void Claim::claim_own() {
  if (!session_.state()) return;
  if (session::has_living_member(proc_, *session_.state())) {
    throw Error(Code::kSession, "a running container has the same id",
                "container " + quote(state_.container), "remove the container and start it again");
  }
  restart_ = session_.has_content();
  old_boot_id_ = session_.state()->boot_id;
  if (!restart_) return;
  state_.way = session_.state()->way;
  state_.way_reason = session_.state()->way_reason;
  keep_age(session_.state()->origin, state_.origin);
  if (is_copied(state_.way)) state_.origin = session_.state()->origin;
}

void Claim::claim_shared() {
  restart_ = session_.has_content();
  if (!session_.state()) {
    if (restart_) {
      throw Error(Code::kSession, "the session's state can't be read", quote(session_.name()),
                  "`oci-cnb session rm` removes the session and what its containers wrote");
    }
    state_.mount_source = sys::make_mount_source();
    return;
  }
  session::SessionState shared = *session_.state();
  old_boot_id_ = shared.boot_id;
  session::drop_dead_members(proc_, shared);
  if (shared.boot_id == state_.boot_id) find_holder();
  before_ = shared;
  // In memory it went with the last mount of it.
  if (shared.scratch == "tmpfs" && !holder_ && shared.members.empty()) {
    shared.scratch = state_.scratch;
  }
  require_same_wishes(shared);
  join(std::move(shared));
}

void Claim::require_same_wishes(const session::SessionState& shared) const {
  if (shared.scratch != state_.scratch) {
    throw Error(
        Code::kSession,
        "the session's scratch is " + shared.scratch + ", this container's " + state_.scratch,
        quote(session_.name()), "give its containers the same io.cnb.hooks.scratch");
  }
  if (holder_ && shared.origin.asked_rules != state_.origin.asked_rules) {
    throw Error(Code::kSession,
                "the session's workspace is filtered by " +
                    (shared.origin.asked_rules.empty() ? "the source's own rules"
                                                       : quote(shared.origin.asked_rules)),
                quote(session_.name()), "give its containers the same io.cnb.hooks.ignore-file");
  }
}

// shared, with this container as its last member.
void Claim::join(session::SessionState shared) {
  shared.container = state_.container;
  shared.bundle = state_.bundle;
  shared.boot_id = state_.boot_id;
  if (!state_.pod_bundle.empty()) shared.pod_bundle = state_.pod_bundle;
  if (!holder_) {
    // The upper is as old as it was; a copy, with what it was copied from and by which rules.
    if (restart_) keep_age(shared.origin, state_.origin);
    if (!restart_ || !is_copied(shared.way)) shared.origin = state_.origin;
    shared.source_device = state_.source_device;
    shared.source_inode = state_.source_inode;
  }
  shared.members.push_back(state_.members.back());
  state_ = std::move(shared);
}

// The members first; then whoever else may have it, since two overlays over one upper would destroy
// each other's work.
void Claim::find_holder() {
  const session::SessionState& old = *session_.state();
  if (is_copied(old.way)) return;
  const sys::MountTag tag = session::workspace_tag(old);
  const uint64_t ours = proc_.pid_namespace();
  for (const session::Member& member : old.members) {
    if (!session::is_alive(proc_, old, member)) continue;
    if (member.pid_namespace != 0 && ours != 0 && member.pid_namespace != ours) {
      throw Error(Code::kSession,
                  "a container of this session runs in a pid namespace out of sight",
                  "container " + quote(member.container), "start them from one place");
    }
    if (!sys::has_mount(proc_, member.pid, tag)) continue;
    holder_ = member.pid;
    return;
  }
  holder_ = sys::find_mount_holder(proc_, tag);
}

Claim::~Claim() {
  if (done_) return;
  try {
    undo();
  } catch (const Error&) {
    // What is left names a process that is about to die: `session gc` collects it.
  }
}

void Claim::note_way(Way way) {
  state_.way = way;
  session_.write_state(state_);
}

void Claim::commit() {
  state_.members.back().mounted = true;
  session_.write_state(state_);
  done_ = true;
}

void Claim::undo() {
  if (before_) {
    session_.write_state(*before_);
    return;
  }
  // The mount that this container may have already goes with it.
  state_.mount_source.clear();
  state_.members.clear();
  session_.write_state(state_);
  if (fresh_) store_.remove(std::move(session_), proc_, session::kAtOnce);
}

}  // namespace hookcore::hook
