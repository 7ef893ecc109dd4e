#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hookcore {

/// Length of the valid UTF-8 sequence (RFC 3629) at the start of bytes, which isn't empty; 0 when
/// there is none: overlong, a surrogate, above U+10FFFF, or cut off.
size_t utf8_length(std::string_view bytes);

/// Whether all of it is.
bool is_utf8(std::string_view bytes);

/// Appends text as a JSON string (RFC 8259), with its quotes. What isn't UTF-8 is replaced by
/// U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace hookcore
