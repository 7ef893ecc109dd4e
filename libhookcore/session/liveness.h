#pragma once

#include <string>

#include "libhookcore/session/state.h"
#include "libhookcore/sys/process.h"
#include "libhookcore/sys/shared_mount.h"

/// Who still uses a session, told by its state and by the processes and mounts that there are.
namespace hookcore::session {

/// Whether something is at this path of the host: false only when that is sure, since a directory
/// that can't be looked into may hold it.
bool may_be_there(const std::string& path);

/// By what the mounts of its workspace are found, in whatever process they stand. Copies have no
/// such mount.
sys::MountTag workspace_tag(const SessionState& state);

/// Whether a member is still running in this boot, or may be.
bool is_alive(const sys::Proc& proc, const SessionState& state, const Member& member);
bool has_living_member(const sys::Proc& proc, const SessionState& state);
/// Takes members away that are no more. true: there were some.
bool drop_dead_members(const sys::Proc& proc, SessionState& state);
/// Whether a mount of the session's upper still stands, although none of its members lives: in a
/// process that a killed container without a pid namespace of its own has left. Costly.
bool is_still_mounted(const sys::Proc& proc, const SessionState& state);
/// Nobody can come back to this session: no living member, and a container, or a pod, that is gone.
/// For a named session that can't be told.
bool is_over(const sys::Proc& proc, const SessionState& state);

}  // namespace hookcore::session
