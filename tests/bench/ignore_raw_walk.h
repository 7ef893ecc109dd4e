#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// The floor: openat, getdents64 and close for every directory, no rules but a handful of names
/// that aren't entered. threads: 1 or more, one shared stack.
uint64_t raw_walk(int root_fd, const std::vector<std::string>& skipped, unsigned threads);

}  // namespace bench
