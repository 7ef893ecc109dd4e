#pragma once

#include <sys/types.h>

#include <string>

#include "libhookcore/sys/file.h"

namespace hookcore::sys {

/// What openat2(2) does, where it isn't there: one component after the other by O_PATH and
/// O_NOFOLLOW, links read and gone by hand, and ".." taken from the descriptors of the way down, so
/// that nothing that is renamed meanwhile leads above dirfd. A descriptor, or -errno as openat2
/// gives it. Stricter in two things: on procfs every link below its root counts as a magic one, and
/// O_CREAT follows no link. Resolve::kStrict needs the id of a mount (mount.h) and is ENOSYS
/// without one.
int open_by_steps(int dirfd, const std::string& path, int flags, Resolve resolve, mode_t mode);

}  // namespace hookcore::sys
