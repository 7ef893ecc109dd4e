#pragma once

#include <functional>

#include "libhookcore/fuse/launch.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::fuse {

/// Throws WayRefused where fuse-overlayfs isn't installed, or there is no /dev/fuse for us.
void require_available();

/// Works in a fuse-overlayfs whose layers lie where a session's are to be (see overlay::Trial).
/// launch(masks, source, scratch) starts it, and may throw what it likes. Throws WayRefused when
/// the work fails.
void try_out(sys::MountApi& api, int scratch_fd,
             const std::function<Launch(int masks, int source, int scratch)>& launch);

}  // namespace hookcore::fuse
