#pragma once

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// `oci-cnb context list`, `masks`, `explain` and `stats`.
void add_context_commands(Command app);

}  // namespace hookcore::cli
