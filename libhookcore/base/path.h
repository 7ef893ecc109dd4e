#pragma once

#include <string>
#include <string_view>

namespace hookcore {

/// path absolute and without ".", "..", double or trailing slashes; the root is "/". Text only: for
/// comparing, never for deciding where a link leads.
std::string normalise_path(std::string_view path);

/// Whether one of path's components is "..".
bool has_parent_component(std::string_view path);

/// Whether a normalised path is directory or below it.
bool is_within(std::string_view path, std::string_view directory);

/// Whether text has a byte below 0x20 or DEL in it.
bool has_control_bytes(std::string_view text);

}  // namespace hookcore
