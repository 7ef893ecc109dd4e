#pragma once

#include <string>

namespace bench {

/// One line of the table that run.sh prints: a ratio and the bar it has to stay on the right side
/// of.
struct Row {
  std::string what;
  std::string ours;
  std::string peer;
  double ratio = 0;
  double bar = 0;  ///< 0: no bar, a number for the record
  enum class Sense { kAtMost, kAtLeast } sense = Sense::kAtMost;
};

/// Writes a row to stdout as run.sh reads it: fields separated by tabs, "row" before them.
void print(const Row& row);
/// A line below the table.
void note(const std::string& text);

std::string milliseconds(double value);

}  // namespace bench
