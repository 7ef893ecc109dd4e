#pragma once

#include <string>
#include <string_view>

#include "libhookcore/settings/settings.h"

/// The document behind `base_runtime_spec`: what containerd begins a container's config.json with.
/// Everything the CRI says about a container (image, pod, security context) is laid over it.
namespace hookcore::node {

/// Who gives a container of the handler what its role asks for.
enum class Door {
  kNri,   ///< oci-cnb-nri; the guard refuses a container that it didn't adjust
  kSpec,  ///< the base spec itself, for containerd 1.6, which has no NRI
};

/// programs: the hooks' directory on the host, absolute. The rest is containerd's own default
/// (pkg/oci, populateDefaultUnixSpec), without its resource limits: those of 2.0 and later.
std::string base_spec(Door door, std::string_view programs, const settings::Settings& settings);

}  // namespace hookcore::node
