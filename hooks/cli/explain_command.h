#pragma once

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// `oci-cnb explain`: what a failure means and what to do about it.
void add_explain_command(Command app);

}  // namespace hookcore::cli
