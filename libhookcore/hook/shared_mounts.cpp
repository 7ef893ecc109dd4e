#include "libhookcore/hook/shared_mounts.h"

#include "libhookcore/base/error.h"
#include "libhookcore/session/liveness.h"
#include "libhookcore/sys/shared_mount.h"

namespace hookcore::hook {
namespace {

// Empty when the process ended meanwhile.
sys::UniqueFd clone_of_holder(const sys::Proc& proc, pid_t holder, const sys::MountTag& tag) {
  try {
    return sys::clone_mount_of(proc, holder, tag, true);
  } catch (const Error&) {
    if (sys::has_mount(proc, holder, tag)) throw;
    return {};
  }
}

}  // namespace

std::optional<SharedMounts> fetch_shared_mounts(const Job& job, const sys::Proc& proc,
                                                const Claim& claim) {
  SharedMounts shared;
  const std::string& source = claim.state().mount_source;
  if (source.empty()) return shared;
  if (claim.holder() && job.request.workspace != optin::WorkspaceMode::kLive) {
    shared.workspace =
        clone_of_holder(proc, *claim.holder(), session::workspace_tag(claim.state()));
    if (!shared.workspace) return std::nullopt;
  }
  const sys::MountTag layers{"tmpfs", source};
  if (job.request.scratch.tmpfs && job.request.role != optin::Role::kLaunch &&
      claim.has_company()) {
    if (const auto holder = sys::find_mount_holder(proc, layers)) {
      shared.layers = clone_of_holder(proc, *holder, layers);
      if (!shared.layers) return std::nullopt;
    }
  }
  return shared;
}

}  // namespace hookcore::hook
