#pragma once

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// oci-cnb install and uninstall.
void add_install_commands(Command app);

}  // namespace hookcore::cli
