#pragma once

#include <string>
#include <string_view>

#include "libhookcore/oci/config.h"
#include "libhookcore/oci/state.h"

/// What a container that may not start unadjusted is told from one that was adjusted by. NRI fails
/// open: a plugin that is absent, dead or slow leaves a container as it is.
namespace hookcore::environment {

inline constexpr std::string_view kGuardHook = "oci-cnb-guard";
/// What a pod's author may not set: annotations that only the NRI plugin gives.
inline constexpr std::string_view kPluginPrefix = "io.cnb.nri.";
/// The plugin's mark. Its value is the container's id, which the runtime draws at creation: nobody
/// can write it into a pod beforehand.
inline constexpr std::string_view kAdjustedKey = "io.cnb.nri.adjusted";

/// Whether config.json calls the guard: then every container of the pod has to have a role.
bool has_guard(const oci::Hooks& hooks);

/// The guard's decision. Lets a pod's sandbox pass. Throws Error(kEnvironment) for a container that
/// no plugin adjusted, and for one that nobody mounts a workspace for.
void require_adjusted(const oci::State& state, const oci::Hooks& hooks);

}  // namespace hookcore::environment
