#pragma once

#include "libhookcore/hook/job.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/overlay/ids.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {

/// Writes down in state what config.json mounts as the workspace, and the time from which on a
/// change to it is one that the container may not have seen. Leaves state as it is where that is no
/// directory of the host. Called before a namespace is entered.
void note_source(const Job& job, const sys::Proc& proc, session::SessionState& state);

/// Forgets it unless source_fd, what the engine has really mounted, is that very directory.
void confirm_source(int source_fd, session::SessionState& state);

/// Adds what a look at the session's upper needs to see the source as the container does.
void note_view(const Job& job, const ignore::RuleSet& rules, const overlay::IdShift& shift,
               bool user_xattr, session::Origin& origin);

}  // namespace hookcore::hook
