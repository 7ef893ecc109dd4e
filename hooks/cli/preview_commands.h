#pragma once

namespace CLI {
class App;
}

namespace hookcore::cli {

/// `oci-cnb preview DIR -- COMMAND…`. exit_code becomes the command's.
void add_preview_commands(CLI::App& app, int& exit_code);

}  // namespace hookcore::cli
