#pragma once

#include <string>
#include <string_view>

/// What a line of /proc/PID/mountinfo consists of (proc_pid_mountinfo(5)).
namespace hookcore::sys {

/// Takes the first field and the blank behind it off line.
std::string_view next_field(std::string_view& line);

/// Blank, tab, newline and backslash are written as \040 and so on.
std::string unescape_field(std::string_view field);

}  // namespace hookcore::sys
