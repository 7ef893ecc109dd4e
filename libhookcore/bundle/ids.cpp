#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/bundle/bundle.h"

namespace hookcore::bundle {

std::vector<oci::IdMapping> map_ids(uint32_t own, uint32_t inside,
                                    const settings::IdRanges& granted) {
  std::vector<oci::IdMapping> maps;
  uint32_t next = 0;
  const auto add = [&](uint32_t host, uint32_t count) {
    if (count > 0) maps.push_back({next, host, count});
    next += count;
  };
  for (const auto& [start, count] : granted) {
    const uint32_t before = next <= inside ? std::min(count, inside - next) : count;
    add(start, before);
    if (next == inside && before < count) add(own, 1);
    if (before < count) add(start + before, count - before);
  }
  if (next == inside) add(own, 1);
  if (next > inside) return maps;
  throw Error(Code::kIds, "the id " + std::to_string(inside) + " needs as many subordinate ids",
              "/etc/subuid and /etc/subgid",
              "run as user 0, which is you, or add a line with: usermod --add-subuids");
}

}  // namespace hookcore::bundle
