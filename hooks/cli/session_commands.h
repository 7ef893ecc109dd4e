#pragma once

#include "hooks/cli/command_line.h"
#include "hooks/cli/json_output.h"
#include "libhookcore/session/store.h"

namespace hookcore::cli {

/// Session directories that are on their way out are removed by a process of its own, also those of
/// subordinate ids. What stands then is told by the next `oci-cnb session gc`.
void empty_trash_detached(session::Store& store);

/// What `session list --json` prints. Throws Error.
Json sessions_json();

/// `oci-cnb session list`, `gc` and `log`. exit_code becomes 1 when gc leaves something behind.
void add_session_commands(Command app, int& exit_code);

}  // namespace hookcore::cli
