#pragma once

#include <string>
#include <vector>

#include "libhookcore/report/log.h"

namespace hookcore::fuse {

/// The work of oci-cnb-fuse, started by Launch: starts fuse-overlayfs on kDeviceFd, in a process
/// that ends with this one, and returns when it has ended. What ends it while its workspace is in
/// use is reported in the log and in the session's helper.json; its regular end takes that file
/// away. words: those of the command line.
void supervise(const std::vector<std::string>& words, report::Log& log);

}  // namespace hookcore::fuse
