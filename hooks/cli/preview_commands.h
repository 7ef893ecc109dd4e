#pragma once

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// `oci-cnb preview DIR -- COMMAND…`. exit_code becomes the command's.
void add_preview_commands(Command app, int& exit_code);

}  // namespace hookcore::cli
