#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libhookcore/node/host.h"

/// CRI-O's configuration on a node, as CRI-O reads it: crio.conf, then every file below crio.conf.d
/// in the order of their names. A list, or the table of a runtime handler, replaces that of a file
/// before.
namespace hookcore::node {

/// The file that tells CRI-O of us, and the directory of hooks.d files that it names.
inline constexpr const char* kCrioConfig = "/etc/crio/crio.conf.d/50-oci-cnb-hooks.conf";
inline constexpr const char* kCrioHooks = "/opt/oci-cnb-hooks/current/hooks.d";

struct CrioRuntime {
  std::string path;      ///< empty: CRI-O looks for the handler's name in its PATH
  std::string settings;  ///< every other key of its table, as lines of TOML
  std::string strange;   ///< a key whose value can't be carried over; empty: none
  std::string file;      ///< that says so
};

struct CrioConfiguration {
  std::optional<std::vector<std::string>> hooks_directories;  ///< nullopt: CRI-O's own
  std::string hooks_file;                                     ///< which says so
  std::string later_hooks_file;  ///< one that replaces the list in our file; empty: none
  std::string default_runtime;   ///< empty: CRI-O's own
  std::map<std::string, CrioRuntime> runtimes;
  std::optional<bool> nri_enabled;  ///< nullopt: as this CRI-O has it by default
  std::string nri_socket;           ///< empty: likewise
};

/// ours: whether our own file counts. Where it doesn't, hooks_directories are those that stand
/// before it. Throws Error(kSettings) for text that isn't TOML.
CrioConfiguration read_crio(const Host& host, bool ours);

/// The text of our file below its header: handler stands on based_on (empty: the default runtime)
/// with all of its settings, hooks.d directories that others named stay. Throws Error(kSettings)
/// for a runtime that isn't there, for a setting of it that can't be carried over, and for a
/// handler of this name that somebody else defined.
std::string crio_drop_in(const Host& host, const CrioConfiguration& others,
                         const std::string& handler, const std::string& based_on);

}  // namespace hookcore::node
