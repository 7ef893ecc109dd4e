#pragma once

#include <string>
#include <vector>

#include "libhookcore/doctor/finding.h"
#include "libhookcore/doctor/machine.h"

namespace hookcore::doctor {

inline constexpr const char* kSharedHooks = "/usr/share/containers/oci/hooks.d";

/// From where podman takes its hooks (containers.conf(5), `hooks_dir` in `[engine]`).
struct PodmanConfig {
  std::vector<std::string> hook_directories = {kSharedHooks};
  std::string decided_by;  ///< the file whose hooks_dir counts; empty: podman's default
  Findings findings;       ///< files that podman can't read either
};

/// Reads the files in podman's order; the last hooks_dir wins. Seen on podman 4.3 and 5.4:
/// /usr/share/containers/containers.conf, /etc/containers/containers.conf and its .d directory,
/// then, as a user, and as root since podman 5, the same below XDG_CONFIG_HOME, or ~/.config.
/// CONTAINERS_CONF names the one file that is read instead; CONTAINERS_CONF_OVERRIDE, since podman
/// 5, one that is read last. podman_major: 0 for unknown.
/// without: a file that is passed over, as if it weren't there.
PodmanConfig read_podman_config(const Machine& machine, unsigned podman_major,
                                const std::string& without = {});

}  // namespace hookcore::doctor
