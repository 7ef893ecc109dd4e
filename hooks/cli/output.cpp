#include "hooks/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/sys/file.h"

namespace hookcore::cli {

void print(std::string_view text) { sys::write_all(STDOUT_FILENO, text, "stdout"); }

std::string printable(std::string_view name) {
  // C1 controls in UTF-8: some terminals heed them.
  bool plain = !has_control_bytes(name);
  for (size_t at = name.find('\xC2'); plain && at < name.size(); at = name.find('\xC2', at + 1)) {
    plain = at + 1 == name.size() || static_cast<unsigned char>(name[at + 1]) >= 0xA0;
  }
  return plain ? std::string(name) : quote(name, name.size() + 1);
}

const Style& style() {
  // As no-color.org has it: any value, but for an empty one.
  const char* const no_color = std::getenv("NO_COLOR");
  static const Style kPlain = {};
  static const Style kColours = {"\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[0m"};
  const bool wanted = no_color == nullptr || *no_color == 0;
  return wanted && ::isatty(STDOUT_FILENO) == 1 ? kColours : kPlain;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.empty() ? 0 : rows.front().size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      text += row[i] + (last ? "\n" : std::string(widths[i] - row[i].size() + 2, ' '));
    }
  }
  return text;
}

std::string human_bytes(unsigned long long bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  std::array<char, 32> text = {};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", amount, kUnits[unit]);
  return text.data();
}

}  // namespace hookcore::cli
