#pragma once

#include <CLI/CLI.hpp>

namespace hookcore::cli {

/// Ends the help of every command with how it is typed. Called when all commands are there.
void add_examples(CLI::App& app);

}  // namespace hookcore::cli
