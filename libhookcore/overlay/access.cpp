#include "libhookcore/overlay/access.h"

#include <sys/stat.h>

#include <algorithm>

namespace hookcore::overlay {

Access decide_access(const ProcessIds& process, const SourceOwner& source, bool idmap_possible) {
  if (process.uid == source.uid && (source.mode & S_IWUSR) != 0) return Access::kOwner;
  if (process.uid != source.uid && idmap_possible && (source.mode & S_IWUSR) != 0) {
    return Access::kIdmap;
  }
  // capable_wrt_inode_uidgid: a capability counts only over ids that its namespace knows.
  if (process.dac_override && source.mapped) return Access::kOverride;
  const bool in_group =
      process.gid == source.gid ||
      std::find(process.groups.begin(), process.groups.end(), source.gid) != process.groups.end();
  if (process.uid != source.uid && in_group && (source.mode & S_IWGRP) != 0) return Access::kMode;
  if (process.uid != source.uid && !in_group && (source.mode & S_IWOTH) != 0) return Access::kMode;
  return Access::kNone;
}

IdShift shift_to_process(const ProcessIds& process, const SourceOwner& source) {
  return {{source.uid, process.uid}, {source.gid, process.gid}};
}

}  // namespace hookcore::overlay
