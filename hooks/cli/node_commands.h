#pragma once

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// oci-cnb node install|uninstall|wait.
void add_node_commands(Command app);

}  // namespace hookcore::cli
