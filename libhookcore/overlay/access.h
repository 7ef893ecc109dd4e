#pragma once

#include <sys/types.h>

#include <vector>

#include "libhookcore/overlay/ids.h"

namespace hookcore::overlay {

/// The container's first process. Ids as our own user namespace sees them.
struct ProcessIds {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  bool dac_override = false;  ///< CAP_DAC_OVERRIDE is effective in the container
};

struct SourceOwner {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0;
  bool mapped = true;  ///< uid and gid exist in the container's user namespace
};

/// Why the process can write its workspace (SPEC 4, "Ids").
enum class Access {
  kOwner,     ///< it owns the source's root
  kIdmap,     ///< it will, through an idmapped lower
  kOverride,  ///< it is the container's root with CAP_DAC_OVERRIDE over mapped ids
  kMode,      ///< group or others may write
  kNone,      ///< it can't
};

/// idmap_possible: the source's file system and our privileges allow an idmapped mount. Pure.
Access decide_access(const ProcessIds& process, const SourceOwner& source, bool idmap_possible);
/// The shift that shows the source as the process's.
IdShift shift_to_process(const ProcessIds& process, const SourceOwner& source);

}  // namespace hookcore::overlay
