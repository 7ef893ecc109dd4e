#pragma once

#include "libhookcore/report/log.h"

namespace hookcore::hook {

/// The poststop hook: gives the container's scratch back, unless the engine may start the container
/// again. Collects, in passing, what containers left that are gone without a poststop. A container
/// without a session is fine. Throws Error.
void run_poststop_hook(report::Log& log);

}  // namespace hookcore::hook
