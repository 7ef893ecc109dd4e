#pragma once

namespace CLI {
class App;
}

namespace hookcore::cli {

/// `oci-cnb session list`, `gc` and `log`. exit_code becomes 1 when gc leaves something behind.
void add_session_commands(CLI::App& app, int& exit_code);

}  // namespace hookcore::cli
