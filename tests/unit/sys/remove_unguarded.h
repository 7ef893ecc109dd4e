#pragma once

#include <string>

#include "libhookcore/sys/remove.h"

namespace hookcore::sys {

/// remove_tree, compiled a second time without its guard against mounts. For sacrificial trees: it
/// shows that the tests of the guard can fail.
RemoveResult remove_tree_unguarded(int parent_fd, const std::string& name, uint64_t limit);

}  // namespace hookcore::sys
