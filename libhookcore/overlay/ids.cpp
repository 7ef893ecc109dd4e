#include "libhookcore/overlay/ids.h"

#include <algorithm>

namespace hookcore::overlay {

std::vector<sys::IdRange> IdSwap::ranges() const {
  // (uid_t)-1 is no id: the space ends one below.
  constexpr uint32_t kEnd = 0xFFFFFFFFU;
  if (identity()) return {{0, 0, kEnd}};
  const uint32_t low = std::min(on_disk, shown);
  const uint32_t high = std::max(on_disk, shown);
  std::vector<sys::IdRange> ranges;
  if (low > 0) ranges.push_back({0, 0, low});
  ranges.push_back({low, high, 1});
  if (high - low > 1) ranges.push_back({low + 1, low + 1, high - low - 1});
  ranges.push_back({high, low, 1});
  if (high + 1 < kEnd) ranges.push_back({high + 1, high + 1, kEnd - high - 1});
  return ranges;
}

}  // namespace hookcore::overlay
