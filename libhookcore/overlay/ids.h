#pragma once

#include <sys/types.h>

#include <vector>

#include "libhookcore/sys/process.h"

namespace hookcore::overlay {

/// Two ids exchanged, everything else as it is: what an idmapped lower does to the source's owners
/// (mount_setattr(2), MOUNT_ATTR_IDMAP). Ids as our own user namespace sees them.
struct IdSwap {
  uint32_t on_disk = 0;
  uint32_t shown = 0;

  bool identity() const { return on_disk == shown; }
  uint32_t apply(uint32_t id) const {
    if (id == on_disk) return shown;
    if (id == shown) return on_disk;
    return id;
  }
  /// The whole id space as ranges for a uid_map: a bijection, so that no file becomes nobody's.
  std::vector<sys::IdRange> ranges() const;
};

struct IdShift {
  IdSwap uid;
  IdSwap gid;
  bool identity() const { return uid.identity() && gid.identity(); }
};

}  // namespace hookcore::overlay
