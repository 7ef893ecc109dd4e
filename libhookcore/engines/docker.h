#pragma once

#include <string>
#include <string_view>

/// `runtimes` of Docker's daemon.json, spliced into its text: every other byte stays.
namespace hookcore::engines {

inline constexpr const char* kDaemonFile = "/etc/docker/daemon.json";

/// text with our runtime `cnb` of this program; text itself when it has it. Empty text: no file.
/// Throws Error(kSettings) for what isn't JSON, and for a runtime of that name that isn't ours.
std::string with_runtime(std::string_view text, const std::string& program);

/// text without it, byte for byte what it was before; empty when the whole file was ours.
std::string without_runtime(std::string_view text);

}  // namespace hookcore::engines
