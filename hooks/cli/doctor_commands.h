#pragma once

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// `oci-cnb doctor`. exit_code becomes 1 when something that is promised won't work.
void add_doctor_command(Command app, int& exit_code);

}  // namespace hookcore::cli
