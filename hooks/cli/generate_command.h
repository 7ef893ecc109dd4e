#pragma once

#include <string>
#include <vector>

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// `oci-cnb spec generate`. words: what stands behind `--`.
void add_generate_command(Command spec, const std::vector<std::string>& words);

}  // namespace hookcore::cli
