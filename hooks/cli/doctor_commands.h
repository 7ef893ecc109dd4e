#pragma once

namespace CLI {
class App;
}

namespace hookcore::cli {

/// `oci-cnb doctor`. exit_code becomes 1 when something that is promised won't work.
void add_doctor_command(CLI::App& app, int& exit_code);

}  // namespace hookcore::cli
