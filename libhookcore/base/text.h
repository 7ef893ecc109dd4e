#pragma once

#include <string_view>

namespace hookcore {

/// Cuts text's first part off, with the separator behind it: a line, a field of one. The last part
/// is all that is left.
std::string_view take_part(std::string_view& text, char separator);

inline std::string_view take_line(std::string_view& text) { return take_part(text, '\n'); }

}  // namespace hookcore
