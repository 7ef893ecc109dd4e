#pragma once

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// `oci-cnb session diff` and its like, added to the group `session`. exit_code becomes 1 where
/// something was left out.
void add_changes_commands(Command group, int& exit_code);

}  // namespace hookcore::cli
