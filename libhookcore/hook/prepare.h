#pragma once

#include "libhookcore/hook/claim.h"
#include "libhookcore/hook/job.h"
#include "libhookcore/report/log.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {

/// Enters the container of job and mounts workspace and layout, with the scratch of the
/// claimed session, or as another container of it has them. The process stays in the container's
/// mount namespace. Completes the origin of claim.state() (see origin.h), and commits the claim.
/// False: claim.holder() ended before its workspace was reached. Nothing is done, nothing entered;
/// whose workspace it is now, only a new claim can tell.
/// Throws Error; what stands in the rootfs by then is undone, what is mounted goes with the
/// container.
[[nodiscard]] bool prepare_container(const Job& job, const sys::Proc& proc,
                                     const session::Store& store, Claim& claim, report::Log& log);

}  // namespace hookcore::hook
