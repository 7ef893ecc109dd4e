#pragma once

#include <string>
#include <vector>

#include "libhookcore/report/log.h"
#include "libhookcore/runtime/arguments.h"
#include "libhookcore/runtime/real_runtime.h"
#include "libhookcore/settings/settings.h"

/// What oci-cnb-runtime does before it becomes the real runtime.
namespace hookcore::runtime {

/// A call of the runtime, and what has been found out about it.
struct Call {
  const Invocation& invocation;
  const RealRuntime& runtime;
  const settings::HostUser& user;
  char* const* environment;  ///< the engine's, for the place where crun keeps its state
};

/// create, run: config.json of a container that opts in gets cwd, environment and hooks, and the
/// variables by which it opted in become annotations. Throws Error; the bundle is unchanged then.
void adjust_bundle(const Call& call, report::Log& log);

/// restore: a container that opts in is refused: its workspace isn't in the checkpoint.
void refuse_restore(const Call& call);

/// exec: the process document of a container that has opted in gets the container's cwd and
/// environment. With arguments in place of a document runc takes both from config.json by itself;
/// crun starts in "/", and with --env drops the container's environment: returns the options that
/// have to stand behind the command for it.
std::vector<std::string> adjust_process(const Call& call);

}  // namespace hookcore::runtime
