#pragma once

#include <string>
#include <string_view>

namespace hookcore {

/// path absolute and without ".", "..", double or trailing slashes; the root is "/". Text only: for
/// comparing, never for deciding where a link leads.
std::string normalise_path(std::string_view path);

/// What stands before path's last slash: "/" for what is in the root, and for the root; empty where
/// there is none. path has no slash at its end.
std::string parent_path(std::string_view path);

/// What stands behind path's last slash, and all of it where there is none.
std::string base_name(std::string_view path);

/// name in directory; an empty directory, and the root, get no slash.
std::string join_path(std::string_view directory, std::string_view name);

/// Whether one of path's components is "..".
bool has_parent_component(std::string_view path);

/// Whether a normalised path is directory or below it.
bool is_within(std::string_view path, std::string_view directory);

/// Whether text has a byte below 0x20 or DEL in it.
bool has_control_bytes(std::string_view text);

}  // namespace hookcore
