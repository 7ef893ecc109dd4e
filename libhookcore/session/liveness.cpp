#include "libhookcore/session/liveness.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "libhookcore/base/path.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::session {
namespace {

// A collector in a container may not see the engine's state at all, and a living pod can be without
// a container for a moment. The directory two levels up is the engine's own: it holds all
// sandboxes.
bool sandbox_is_gone(const std::string& bundle) {
  const std::string engine = parent_path(parent_path(bundle));
  return engine.size() > 1 && ::access(engine.c_str(), F_OK) == 0 && !may_be_there(bundle);
}

}  // namespace

bool may_be_there(const std::string& path) {
  struct ::stat status {};
  return ::stat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool is_alive(const sys::Proc& proc, const SessionState& state, const Member& member) {
  if (state.boot_id != proc.boot_id()) return false;
  if (member.pid_namespace != 0) {
    const uint64_t ours = proc.pid_namespace();
    if (ours != 0 && ours != member.pid_namespace) return true;
  }
  return proc.start_time(member.pid) == member.start_time;
}

bool drop_dead_members(const sys::Proc& proc, SessionState& state) {
  return std::erase_if(state.members,
                       [&](const Member& member) { return !is_alive(proc, state, member); }) > 0;
}

sys::MountTag workspace_tag(const SessionState& state) {
  return {state.way == Way::kFuse ? sys::kFuseType : "overlay", state.mount_source};
}

bool is_still_mounted(const sys::Proc& proc, const SessionState& state) {
  return !state.mount_source.empty() && !is_copied(state.way) && state.boot_id == proc.boot_id() &&
         sys::find_mount_holder(proc, workspace_tag(state)).has_value();
}

bool has_living_member(const sys::Proc& proc, const SessionState& state) {
  for (const Member& member : state.members) {
    if (is_alive(proc, state, member)) return true;
  }
  return false;
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

}  // namespace hookcore::session
