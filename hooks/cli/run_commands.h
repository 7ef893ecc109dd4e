#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hookcore::cli {

/// `oci-cnb run`. words: what stands behind `--`.
void add_run_command(CLI::App& app, const std::vector<std::string>& words, int& exit_code);

}  // namespace hookcore::cli
