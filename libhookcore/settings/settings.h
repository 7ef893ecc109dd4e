#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "libhookcore/optin/request.h"

namespace hookcore::settings {

/// For whom a hook works. Hooks are given no environment, so nothing here comes from one.
struct HostUser {
  uid_t uid = 0;        ///< host side: as seen from outside the user namespace we run in
  bool rootful = true;  ///< the engine runs as the machine's (or the outer container's) root
  std::string home;     ///< from /etc/passwd, without NSS; empty when the user isn't in it
};

/// Rootful: euid 0, and "/" belongs to uid 0 as this user namespace sees it (in a rootless engine's
/// namespace "/" belongs to an unmapped id). Else the outside id of euid by /proc/self/uid_map.
HostUser find_host_user();

/// The administrator's, or the user's, configuration: TOML, all keys at the top level.
///
/// | key               | value (default)                         | meaning |
/// |-------------------|-----------------------------------------|-----------------------------------|
/// | platform-api      | N.M ("0.12")                            | CNB_PLATFORM_API where none is
/// set | | experimental-mode | error, warn, quiet, silent ("warn")     | CNB_EXPERIMENTAL_MODE
/// likewise    | | cnb-dir           | absolute host path (none)               | /cnb for images
/// that have none    | | scratch-dir       | absolute host path (none)               | where uppers
/// and sessions live    | | scratch           | disk, tmpfs, tmpfs:SIZE ("disk")        | default
/// of the annotation         | | enforce           | strict, warn ("strict")                 |
/// default of the annotation         | | log               | info, debug ("info") | default of the
/// annotation         |
struct Settings {
  std::string platform_api = "0.12";
  std::string experimental_mode = "warn";
  std::optional<std::string> cnb_dir;      ///< normalised
  std::optional<std::string> scratch_dir;  ///< normalised; absent: the session folder's default
  optin::Defaults defaults;
};

inline constexpr const char* kSystemFile = "/etc/oci-cnb-hooks/config.toml";
/// Below HostUser::home.
inline constexpr const char* kUserFile = ".config/oci-cnb-hooks/config.toml";

/// Reads kSystemFile, then, rootless, the user's file, whose keys win. A file that is absent
/// changes nothing. Throws Error(Code::kSettings) with file:line for an unknown key (and the
/// nearest valid one) or a bad value, and for a file that somebody else could have written: system
/// files belong to root, the user's to the user or root, none is writable by group or others.
Settings load_settings(const HostUser& user);

/// The same with other paths; empty ones are skipped. For tests and for `--root DIR`.
struct SettingsFiles {
  std::string system;
  std::string user;
};
Settings load_settings(const HostUser& user, const SettingsFiles& files);

/// Reads one text over settings. file names it in messages.
void merge_settings(Settings& settings, const std::string& text, const std::string& file);

}  // namespace hookcore::settings
