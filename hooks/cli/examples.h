#pragma once

#include "hooks/cli/command_line.h"

namespace hookcore::cli {

/// Ends the help of every command with how it is typed. Called when all commands are there.
void add_examples(Command app);

}  // namespace hookcore::cli
