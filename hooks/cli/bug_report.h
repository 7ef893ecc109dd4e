#pragma once

#include "hooks/cli/json_output.h"

namespace hookcore::cli {

/// What doctor found, and beside it the machine, settings, sessions and the end of the log. A part
/// that can't be had has its error instead.
Json bug_report(Json findings);

}  // namespace hookcore::cli
