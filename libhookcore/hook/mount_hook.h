#pragma once

#include "libhookcore/report/log.h"

namespace hookcore::hook {

/// The mount hook, stages createRuntime and prestart: reads the state document from stdin, and
/// gives a container that has opted in its workspace, /layers, /cnb and /platform, or refuses it.
/// Called again for the same process it finds its work done. Throws Error; what was begun is undone
/// then.
void run_mount_hook(report::Log& log);
/// The same for the stage createContainer, which bundles of a plain user need under crun.
void run_mount_hook_inside(report::Log& log);

}  // namespace hookcore::hook
