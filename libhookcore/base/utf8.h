#pragma once

#include <cstddef>
#include <string_view>

namespace hookcore {

/// Length of the valid UTF-8 sequence (RFC 3629) at the start of bytes, which isn't empty; 0 when
/// there is none: overlong, a surrogate, above U+10FFFF, or cut off.
size_t utf8_length(std::string_view bytes);

}  // namespace hookcore
