#pragma once

namespace CLI {
class App;
}

namespace hookcore::cli {

/// `oci-cnb context list`, `masks`, `explain` and `stats`.
void add_context_commands(CLI::App& app);

}  // namespace hookcore::cli
