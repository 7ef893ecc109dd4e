#pragma once

#include <CLI/CLI.hpp>

namespace hookcore::cli {

/// `oci-cnb explain`: what a failure means and what to do about it.
void add_explain_command(CLI::App& app);

}  // namespace hookcore::cli
