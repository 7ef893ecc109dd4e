#pragma once

#include <string>
#include <vector>

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// `oci-cnb spec generate`, `apply` and `validate`. words: what stands behind `--`. exit_code is
/// set by a command that ran without an error: 0, or 1 when a check found something.
void add_spec_commands(Command app, const std::vector<std::string>& words, int& exit_code);

}  // namespace hookcore::cli
