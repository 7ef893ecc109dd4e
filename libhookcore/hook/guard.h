#pragma once

#include "libhookcore/report/log.h"

namespace hookcore::hook {

/// A createRuntime hook of a RuntimeClass's base_runtime_spec: refuses what the NRI plugin has not
/// adjusted (environment::require_adjusted). Throws Error.
void run_guard_hook(report::Log& log);

}  // namespace hookcore::hook
