#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace hookcore {

/// Cuts text's first part off, with the separator behind it: a line, a field of one. The last part
/// is all that is left.
std::string_view take_part(std::string_view& text, char separator);

inline std::string_view take_line(std::string_view& text) { return take_part(text, '\n'); }

/// The same from the end: for what was written last.
std::string_view take_last_line(std::string_view& text);

/// A decimal number that is all of text, and fits; a sign only where Number has one.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace hookcore
