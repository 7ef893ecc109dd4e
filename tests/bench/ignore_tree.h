#pragma once

#include <cstdint>
#include <string>

namespace bench {

/// Makes a monorepo in directory: packages with sources, tests and documents, node_modules, target,
/// dist, vendor and .git. About `entries` of them; a third lies in directories that the rules of
/// `typical` hide. Always the same tree for the same number. Returns the number made.
uint64_t make_tree(const std::string& directory, uint64_t entries);

}  // namespace bench
