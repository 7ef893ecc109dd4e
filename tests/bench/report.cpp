#include "tests/bench/report.h"

#include <array>
#include <cstdio>

namespace bench {
namespace {

std::string decimal(const char* format, double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string verdict(const Row& row) {
  if (row.bar == 0) return "-";
  const bool met = row.sense == Row::Sense::kAtMost ? row.ratio <= row.bar : row.ratio >= row.bar;
  return met ? "met" : "missed";
}

std::string bar(const Row& row) {
  if (row.bar == 0) return "-";
  return (row.sense == Row::Sense::kAtMost ? "<= " : ">= ") + decimal("%g", row.bar);
}

}  // namespace

void print(const Row& row) {
  std::printf("row\t%s\t%s\t%s\t%s\t%s\t%s\n", row.what.c_str(), row.ours.c_str(), row.peer.c_str(),
              decimal("%.2f", row.ratio).c_str(), bar(row).c_str(), verdict(row).c_str());
  std::fflush(stdout);
}

void note(const std::string& text) {
  std::printf("note\t%s\n", text.c_str());
  std::fflush(stdout);
}

std::string milliseconds(double value) {
  return decimal(value < 10 ? "%.3f ms" : "%.1f ms", value);
}

}  // namespace bench
