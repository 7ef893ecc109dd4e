#pragma once

#include "libhookcore/hook/claim.h"
#include "libhookcore/hook/container.h"
#include "libhookcore/hook/job.h"
#include "libhookcore/hook/rootfs.h"
#include "libhookcore/report/log.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {

/// The container whose namespaces have been entered, and the session from which it is prepared.
/// Owns nothing: prepare_container does.
struct Site {
  const Job& job;
  const sys::Proc& proc;
  const session::Store& store;
  Claim& claim;
  const Namespaces& namespaces;
  Rootfs& rootfs;
  report::Log& log;
  int scratch;  ///< the session's directory, as the entered mount namespace mounts it
};

}  // namespace hookcore::hook
