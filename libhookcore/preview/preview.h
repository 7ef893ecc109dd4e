#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libhookcore/ignore/rules.h"
#include "libhookcore/overlay/diff.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/process.h"

/// The workspace without a container: a command runs where a directory is, but in an overlay over
/// it, filtered as a container would see it.
namespace hookcore::preview {

struct Options {
  std::string directory;             ///< host path of the source; the command runs in it
  std::vector<std::string> command;  ///< program and arguments; the program is looked up in PATH
  bool tmpfs = false;                ///< scratch in memory
  std::optional<uint64_t> tmpfs_bytes;
  bool output_to_stderr = false;  ///< the command's stdout is our stderr: ours is for the changes
};

struct Result {
  int exit_code = 0;  ///< the command's; 128 and the signal's number if one ended it
  std::vector<overlay::Change> changes;
};

/// Runs the command and returns when it has ended; its scratch is gone then. The source is never
/// written: the overlay stands over it in a mount namespace of the command's own, where it is
/// locked, so that even root can't take it off. Signals that would end us are passed on to the
/// command first. The process is left in namespaces of its own and should end soon.
///
/// Throws Error: kUsage for a command that isn't there, kSource and kScratch for directories that
/// can't be layers of an overlay, kSystem where the machine allows no namespaces.
Result run(const Options& options, const ignore::RuleSet& rules, session::Store& store,
           const sys::Proc& proc);

}  // namespace hookcore::preview
