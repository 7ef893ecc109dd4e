#pragma once

#include <set>
#include <string>
#include <vector>

/// A second implementation of .dockerignore, slow and plain, written from the rules alone and with
/// nothing of the engine in it: strings and recursion instead of automata. Tests and the fuzzer
/// hold the engine against it.
namespace hookcore::ignore::reference {

struct Pattern {
  std::string text;  ///< cleaned, without '!'
  bool negated = false;
};

/// Rules 2 to 13; false if a pattern is refused.
bool parse(const std::string& file, std::vector<Pattern>& patterns);
/// Rules 15 to 20.
bool matches(const std::string& pattern, const std::string& path);

struct Result {
  std::set<std::string> visible;
  std::set<std::string> masks;
};
/// Rules 21 to 26 over a tree: all its entries, closed under parents; directories end in '/', and
/// so do those of the result.
Result walk(const std::vector<Pattern>& patterns, const std::set<std::string>& tree);

}  // namespace hookcore::ignore::reference
