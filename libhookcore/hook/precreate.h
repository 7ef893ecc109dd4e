#pragma once

#include "libhookcore/report/log.h"

namespace hookcore::hook {

/// podman's precreate stage, and a plain filter: reads config.json from stdin and writes it to
/// stdout, with the working directory and the environment of a container that has opted in; any
/// other byte for byte. Throws Error; nothing has been written then.
void run_precreate_hook(report::Log& log);

}  // namespace hookcore::hook
