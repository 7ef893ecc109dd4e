#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libhookcore/nri/nri.pb.h"
#include "libhookcore/settings/settings.h"

namespace hookcore::nri {

/// What the plugin asks the runtime to change in a container that has opted in.
struct Adjustment {
  proto::ContainerAdjustment changes;
  std::vector<std::string> warnings;  ///< one line each, for the log
};

/// The door for containerd and CRI-O: environment, our annotations as the mount hook reads them,
/// and the hooks from directory (a path of the host, absolute). It mounts nothing. nullopt: not
/// opted in. Pure. Throws Error for what the pod's author has to mend.
std::optional<Adjustment> plan_adjustment(const proto::PodSandbox& pod,
                                          const proto::Container& container,
                                          const settings::Settings& settings,
                                          const std::string& directory);

}  // namespace hookcore::nri
