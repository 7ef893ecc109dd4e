#pragma once

#include <optional>
#include <string>
#include <string_view>

/// `runtimes` of Docker's daemon.json, spliced into its text: every other byte stays.
namespace hookcore::engines {

inline constexpr const char* kDaemonDirectory = "/etc/docker";
inline constexpr const char* kDaemonFile = "/etc/docker/daemon.json";

/// What there is without us, or was before.
struct DaemonFile {
  std::optional<std::string> text;  ///< nullopt: no file
  bool directory = true;            ///< its directory is there
};

/// The file with our runtime `cnb` of this program. Throws Error(kSettings) for what isn't JSON,
/// and for a runtime of that name that isn't ours.
std::string with_runtime(const DaemonFile& before, const std::string& program);

/// text without it, byte for byte what it was before.
DaemonFile without_runtime(std::string_view text);

}  // namespace hookcore::engines
