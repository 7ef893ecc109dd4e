#pragma once

#include <optional>

#include "libhookcore/hook/claim.h"
#include "libhookcore/hook/job.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {

/// What the session's other containers have mounted: second mounts of it, attached nowhere. Empty:
/// there is none, or this container doesn't share it.
struct SharedMounts {
  sys::UniqueFd workspace;
  sys::UniqueFd layers;

  bool any() const { return workspace || layers; }
};

/// Fetches them; call it before this container is entered. nullopt: a process that has one of them
/// ended meanwhile, and whose it is now only a new claim can tell. Throws Error(kSession) where
/// they can't be reached.
std::optional<SharedMounts> fetch_shared_mounts(const Job& job, const sys::Proc& proc,
                                                const Claim& claim);

}  // namespace hookcore::hook
