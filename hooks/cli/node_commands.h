#pragma once

#include <CLI/CLI.hpp>

namespace hookcore::cli {

/// oci-cnb node install|uninstall|wait.
void add_node_commands(CLI::App& app);

}  // namespace hookcore::cli
