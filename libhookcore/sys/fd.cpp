#include "libhookcore/sys/fd.h"

#include <unistd.h>

namespace hookcore::sys {

void UniqueFd::reset(int fd) {
  // The descriptor is gone whatever close(2) answers; EINTR must not be retried on Linux.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace hookcore::sys
