#pragma once

#include <cstdint>
#include <vector>

#include "libhookcore/changes/walk.h"

namespace hookcore::changes {

/// A change as a person is told: what is new stands for all that is in it.
struct Change {
  Entry entry;            ///< without its descriptor
  uint64_t below = 0;     ///< entries in a directory that is new, which are not listed one by one
  std::string hard_link;  ///< another path of the same file, listed before
};

/// All changes, sorted by the bytes of their paths. Throws SystemError.
std::vector<Change> summarise(const Layers& layers);

}  // namespace hookcore::changes
