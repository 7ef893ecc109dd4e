#pragma once

#include <string>

#include "libhookcore/node/install.h"

/// What `install`, `uninstall` and `node` have in common.
namespace hookcore::cli {

/// /etc/oci-cnb-hooks/config.toml of the machine whose / is root.
settings::Settings system_settings(const std::string& root);

/// Makes it, or with dry_run shows it, and prints what the administrator has to do.
void install_plan(const node::Host& host, const node::Plan& plan, bool dry_run);
void uninstall_plan(const node::Host& host, const node::Plan& plan, bool dry_run);

}  // namespace hookcore::cli
