#pragma once

#include "hooks/cli/command_line.h"
#include "hooks/cli/json_output.h"

namespace hookcore::cli {

/// What `config list --json` prints for whoever calls. Throws Error(kSettings).
Json settings_json();

/// `oci-cnb config`: config.toml as it counts, and changed key by key.
void add_config_commands(Command app);

}  // namespace hookcore::cli
