#pragma once

#include <cstdint>
#include <string>

namespace hookcore::sys {

/// What remove_tree left standing, and why.
struct RemoveResult {
  uint64_t removed = 0;
  uint64_t left = 0;       ///< entries that could not be removed
  std::string first_left;  ///< path below the tree and reason of the first of them, quoted
  bool cut_off = false;    ///< the limit was reached: there may be more
  bool complete() const { return left == 0 && !cut_off; }
};

inline constexpr uint64_t kNoLimit = UINT64_MAX;

/// The one recursive removal of this project: takes parent_fd/name and all below it away.
///
/// It follows no link (a link is unlinked itself), enters no directory that lies on another mount
/// or file system than parent_fd (openat2 with RESOLVE_NO_XDEV for every step, and st_dev
/// compared), and never resolves more than one name at a time. A name that isn't there is success.
/// Directories of mode 000 (overlayfs' work/work) are given u+rwx first. Directories more than 64
/// levels deep are moved up to parent_fd as NAME.deep.N while it works: parent_fd has to be ours
/// alone. Never throws for what it finds in the tree; throws SystemError when parent_fd itself
/// can't be used. Stops when so many entries as limit were removed or left; called again, also
/// after it was killed, it goes on.
RemoveResult remove_tree(int parent_fd, const std::string& name, uint64_t limit = kNoLimit);

}  // namespace hookcore::sys
