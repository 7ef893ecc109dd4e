#pragma once

#include "libhookcore/report/log.h"

namespace hookcore::hook {

/// The poststop hook: gives the container's scratch back, unless the engine may start the container
/// again. Collects, in passing, what containers left that are gone without a poststop. What takes
/// long is done by a process that outlives the hook. A container without a session is fine. Throws
/// Error.
void run_poststop_hook(report::Log& log);

}  // namespace hookcore::hook
