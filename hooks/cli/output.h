#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Text that all commands print alike; for --json see json_output.h.
namespace hookcore::cli {

/// Writes to stdout; throws hookcore::Error when nobody takes it (a full disk, a closed pipe).
void print(std::string_view text);

/// A name from outside on a line of its own: as it is, or in double quotes with escapes if it holds
/// control characters (a newline would be a second line, an escape sequence would be obeyed).
std::string printable(std::string_view name);

/// Colour for a terminal on stdout, nothing elsewhere.
struct Style {
  std::string_view bold, dim, red, green, reset;
};
const Style& style();

/// Rows of as many words each, as columns of one width, but for the last.
std::string table(const std::vector<std::vector<std::string>>& rows);

/// "1.5 MiB"
std::string human_bytes(unsigned long long bytes);

}  // namespace hookcore::cli
