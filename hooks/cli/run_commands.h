#pragma once

#include <string>
#include <vector>

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// `oci-cnb run`. words: what stands behind `--`.
void add_run_command(Command app, const std::vector<std::string>& words, int& exit_code);

}  // namespace hookcore::cli
