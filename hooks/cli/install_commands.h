#pragma once

#include <CLI/CLI.hpp>

namespace hookcore::cli {

/// oci-cnb install and uninstall.
void add_install_commands(CLI::App& app);

}  // namespace hookcore::cli
