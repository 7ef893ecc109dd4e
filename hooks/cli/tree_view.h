#pragma once

#include <string>
#include <vector>

namespace hookcore::cli {

/// Paths as a tree with branches. Closed under parents; directories end in '/'.
std::string tree_view(std::vector<std::string> paths);

}  // namespace hookcore::cli
