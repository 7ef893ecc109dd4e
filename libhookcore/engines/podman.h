#pragma once

#include <string>

#include "libhookcore/node/install.h"
#include "libhookcore/settings/settings.h"

/// podman's hooks: a directory of hooks.d files that only podman reads, and a drop-in of
/// containers.conf that names it beside what was named before.
namespace hookcore::engines {

struct PodmanRequest {
  std::string root = "/";       ///< the directory that stands for "/"
  bool for_user = false;        ///< below the user's ~/.config, not in /etc
  settings::HostUser user;      ///< who we are
  std::string hooks_directory;  ///< of our programs, as podman will find them
};

/// Hooks that podman calls already, say by the package, are left out; with all of them there is
/// nothing to do. Throws Error(kSettings) for files that podman can't read either, and where a file
/// that is read after ours names other directories.
node::Plan plan_podman(const node::Host& host, const PodmanRequest& request);

/// What plan_podman wrote, and directories that were made for it.
node::Plan plan_podman_removal(const node::Host& host, const PodmanRequest& request);

}  // namespace hookcore::engines
