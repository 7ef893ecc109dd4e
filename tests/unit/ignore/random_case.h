#pragma once

#include <cstddef>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace hookcore::ignore::testing {

/// Random ignore files and trees of few and awkward names, so that rules often meet entries. The
/// same seed gives the same case.
class RandomCase {
 public:
  explicit RandomCase(unsigned long seed) : random_(seed) {}

  /// Paths closed under parents; directories end in '/'.
  std::set<std::string> tree();
  /// Some are refused by every reader.
  std::string file();

 private:
  size_t pick(size_t below);
  bool chance(size_t percent);
  std::string one_of(const std::vector<const char*>& choices);
  std::string name();
  void fill(std::set<std::string>& entries, const std::string& parent, size_t depth);
  std::string component();
  std::string line();

  std::mt19937_64 random_;
};

/// A number from the environment, for repeating or lengthening a run.
unsigned long from_environment(const char* name, unsigned long otherwise);

}  // namespace hookcore::ignore::testing
