#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hookcore::cli {

/// `oci-cnb spec generate`. words: what stands behind `--`.
void add_generate_command(CLI::App& spec, const std::vector<std::string>& words);

}  // namespace hookcore::cli
