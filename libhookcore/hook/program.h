#pragma once

#include "libhookcore/report/log.h"
#include "libhookcore/settings/settings.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::hook {

/// What every hook knows about where it runs. Read once, by Home::find.
struct Home {
  settings::HostUser user;
  settings::Settings settings;
  std::string store_root;  ///< see session::Store

  /// Throws Error(kSettings).
  static Home find();
};

/// The directory of hooks.log. Finds it without valid settings too. Throws Error.
sys::UniqueFd log_directory();

/// Runs a hook: isolates the process, calls body, reports a failure in one line on stderr, in the
/// log and in the journal. Returns the exit code: 0, or hook_exit_code of the failure.
int run_program(const char* name, void (*body)(report::Log& log));

/// stdin to its end: runtimes wait for the hook to take everything (crun's timeout doesn't cover
/// it).
std::string read_stdin(size_t max, Code code);

}  // namespace hookcore::hook
