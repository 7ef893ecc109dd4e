#pragma once

#include <vector>

/// Older kernels, made with seccomp(2): calls that aren't there yet.
namespace seccomp {

/// From here on these calls of this process fail with ENOSYS.
void lack(const std::vector<int>& calls);
/// From here on fsconfig(2) takes no descriptors as values (EINVAL), as before Linux 6.13.
void lack_descriptor_options();
/// The same on a kernel where overlayfs takes the options of mount(2) only (before Linux 6.5).
void lack_overlay_context();

}  // namespace seccomp
