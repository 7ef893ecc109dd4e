#pragma once

#include "libhookcore/hook/job.h"
#include "libhookcore/report/log.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {

/// Enters the container of job and mounts workspace and layout, with the scratch of session. The
/// process stays in the container's mount namespace. Completes the origin of state (see origin.h).
/// Throws Error; what stands in the rootfs by then is undone, what is mounted goes with the
/// container.
void prepare_container(const Job& job, const sys::Proc& proc, const session::Store& store,
                       const session::Session& session, session::SessionState& state,
                       report::Log& log);

}  // namespace hookcore::hook
