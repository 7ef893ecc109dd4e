#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/base/way.h"
#include "libhookcore/optin/request.h"

namespace hookcore::settings {

/// For whom a hook works. Hooks are given no environment, so nothing here comes from one.
struct HostUser {
  uid_t uid = 0;        ///< host side: as seen from outside the user namespace we run in
  bool rootful = true;  ///< the engine runs as the machine's (or the outer container's) root
  std::string home;     ///< rootless only: from /etc/passwd, without NSS; may be empty
};

/// Rootful: euid 0, and "/" belongs to uid 0 as this user namespace sees it (in a rootless engine's
/// namespace "/" belongs to an unmapped id). Else the outside id of euid by /proc/self/uid_map.
HostUser find_host_user();

/// A part of find_host_user: the id outside by the text of /proc/self/uid_map; uid where no line
/// has it.
uid_t outside_uid(std::string_view uid_map, uid_t uid);

// clang-format off
/// The administrator's, or the user's, configuration: TOML, all keys at the top level, all strings.
///
/// | key                 | value (default)                      | meaning                            |
/// |---------------------|--------------------------------------|------------------------------------|
/// | `platform-api`      | N.M ("0.12")                         | CNB_PLATFORM_API where none is set |
/// | `experimental-mode` | error, warn, quiet, silent ("warn")  | CNB_EXPERIMENTAL_MODE likewise     |
/// | `cnb-dir`           | absolute host path (none)            | /cnb for images that have none     |
/// | `scratch-dir`       | absolute host path (none)            | where uppers and sessions live     |
/// | `session-idle`      | never, or N and m, h or d ("30d")    | how long a named session is kept   |
/// | `scratch`           | disk, tmpfs, tmpfs:SIZE ("disk")     | default of the annotation          |
/// | `enforce`           | strict, warn ("strict")              | default of the annotation          |
/// | `log`               | info, debug ("info")                 | default of the annotation          |
/// | `runtime`           | name or absolute path (none)         | what oci-cnb-runtime stands for    |
/// | `way`               | auto or a name of Way ("auto")       | the only way to a workspace        |
/// | `copy`              | never, reflink, always ("reflink")   | which copies may stand for it      |
/// | `copy-limit`        | bytes, or with k, m, g, t ("1g")     | of a plain copy; "none"            |
// clang-format on
struct Settings {
  std::string platform_api = "0.12";
  std::string experimental_mode = "warn";
  std::optional<std::string> cnb_dir;      ///< normalised
  std::optional<std::string> scratch_dir;  ///< normalised; absent: the session folder's default
  uint64_t session_idle_seconds = uint64_t{30} * 86400;  ///< 0: never too long
  optin::Defaults defaults;
  std::optional<std::string> runtime;  ///< a file's name, or an absolute path
  WayPolicy ways;
};

/// "never" (0), or a number with m, h or d: seconds. nullopt for anything else.
std::optional<uint64_t> parse_idle(std::string_view text);

/// "none" (0), or a size as optin::parse_size reads it. nullopt for anything else.
std::optional<uint64_t> parse_copy_limit(std::string_view text);

inline constexpr const char* kSystemFile = "/etc/oci-cnb-hooks/config.toml";
/// Below HostUser::home.
inline constexpr const char* kUserFile = ".config/oci-cnb-hooks/config.toml";

/// Reads kSystemFile, then, rootless, the user's file, whose keys win. A file that is absent
/// changes nothing. Throws Error(Code::kSettings) with file:line for an unknown key (and the
/// nearest valid one) or a bad value, and for a file that somebody else could have written: it has
/// to belong to root or to the user for whom the hook works, and only its owner may write it.
Settings load_settings(const HostUser& user);

/// `runtime` alone, for containers that have not opted in: a bad value of another key is not their
/// business. Throws for what isn't TOML, and for a file that somebody else could have written.
std::optional<std::string> load_runtime(const HostUser& user);

/// The same with other paths; empty ones are skipped. For tests and for `--root DIR`.
struct SettingsFiles {
  std::string system;
  std::string user;
  /// The directory that is / of the machine whose files they are: resolved as chroot would, and
  /// named in front of them. Empty: this machine's.
  std::string root = {};
};
Settings load_settings(const HostUser& user, const SettingsFiles& files);
std::optional<std::string> load_runtime(const HostUser& user, const SettingsFiles& files);

/// Reads one text over settings. file names it in messages.
void merge_settings(Settings& settings, const std::string& text, const std::string& file);

/// One key over settings. where names its origin in messages. Throws as load_settings.
void set_setting(Settings& settings, std::string_view key, std::string_view value,
                 const std::string& where);

/// Throws Error(kSettings), with the nearest name, where there is no such key.
void require_key(std::string_view key, const std::string& where);

/// The names of all keys, in the order of the table above.
std::vector<std::string_view> key_names();

/// What load_settings(user) reads; the user's is empty where there is none.
SettingsFiles settings_files(const HostUser& user);

/// The text of a file that may be believed; nullopt: it is absent. root: as in SettingsFiles.
/// Throws as load_settings.
std::optional<std::string> read_settings_file(const std::string& file,
                                              const std::string& root = {});

}  // namespace hookcore::settings
