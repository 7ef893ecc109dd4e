#include "hooks/cli/tree_view.h"

#include <algorithm>
#include <string_view>

#include "hooks/cli/output.h"

namespace hookcore::cli {
namespace {

std::string_view without_slash(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

size_t depth_of(std::string_view path) {
  const std::string_view plain = without_slash(path);
  return static_cast<size_t>(std::count(plain.begin(), plain.end(), '/'));
}

// Component by component: a slash sorts before every other byte, so that a directory's content
// stands right behind it.
bool before(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; };
    return rank(x) < rank(y);
  });
}

}  // namespace

std::string tree_view(std::vector<std::string> paths) {
  std::sort(paths.begin(), paths.end(), before);
  // From the end: has_later[d] says whether a sibling follows at depth d.
  std::vector<bool> has_later;
  std::vector<std::string> lines;
  for (size_t i = paths.size(); i-- > 0;) {
    const size_t depth = depth_of(paths[i]);
    has_later.resize(std::max(has_later.size(), depth + 1));
    std::string line;
    for (size_t d = 0; d < depth; ++d) line += has_later[d] ? "│   " : "    ";
    line += has_later[depth] ? "├── " : "└── ";
    has_later.resize(depth + 1);
    has_later[depth] = true;
    const std::string_view plain = without_slash(paths[i]);
    const size_t slash = plain.rfind('/');
    const size_t start = slash == std::string_view::npos ? 0 : slash + 1;
    lines.push_back(line + printable(std::string_view(paths[i]).substr(start)) + "\n");
  }
  std::string text;
  for (size_t i = lines.size(); i-- > 0;) text += lines[i];
  return text;
}

}  // namespace hookcore::cli
