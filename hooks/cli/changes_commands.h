#pragma once

namespace CLI {
class App;
}

namespace hookcore::cli {

/// `oci-cnb session diff` and its like, added to the group `session`. exit_code becomes 1 where
/// something was left out.
void add_changes_commands(CLI::App& group, int& exit_code);

}  // namespace hookcore::cli
