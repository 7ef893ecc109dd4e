#pragma once

namespace CLI {
class App;
}

namespace hookcore::cli {

/// `oci-cnb spec apply` and `oci-cnb spec validate`. exit_code is set by a command that ran without
/// an error: 0, or 1 when a check found something.
void add_spec_commands(CLI::App& app, int& exit_code);

}  // namespace hookcore::cli
