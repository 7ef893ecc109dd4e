#pragma once

#include <string>
#include <vector>

namespace hookcore::fuse {

/// oci-cnb-fuse, started by Launch and nobody else: starts fuse-overlayfs on kDeviceFd, in a
/// process that ends with this one, and returns when it has ended. What ends it while its workspace
/// is in use is reported in the log and in the session's helper.json; its regular end takes that
/// file away. words: those of the command line, with the program's name. Returns the exit code: 0,
/// or hook_exit_code of the failure.
int run_helper(const std::vector<std::string>& words);

}  // namespace hookcore::fuse
