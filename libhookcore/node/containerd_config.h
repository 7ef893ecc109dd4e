#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/node/base_spec.h"

/// Our runtime handler in containerd's configuration: a file of its own where containerd reads one
/// beside its other settings, else a marked block at the end of a file that is there.
namespace hookcore::node {

struct Handler {
  std::string name = "cnb";
  std::string base_spec;  ///< path on the host
  std::string based_on;   ///< a handler whose type and options ours takes; empty: the default
  Door door = Door::kNri;
};

struct ConfigFile {
  std::string path;  ///< on the host
  std::string text;  ///< empty: not there
};

/// What containerd reads, without what is ours in it.
struct Configuration {
  /// config.toml, then what is imported, in the order in which containerd reads them.
  std::vector<ConfigFile> files;
  std::string drop_in;  ///< where a new file would be imported from; empty: nowhere
};

/// The version of a configuration, by config.toml. Throws Error(kSettings) for one below 2.
/// From 3 on (containerd 2.0) tables of several files are merged; in 1.x one file's table of a
/// plugin replaces that of the files before.
int64_t version_of(const ConfigFile& file);

/// The file that holds the handler, with all that is to stand in it. Empty files give one of
/// version 2, which 1.6 to 2.x read. Throws Error(kSettings) for text that isn't TOML, for a
/// version below 2, for a handler of this name that somebody else defined, and where tables are
/// written in a way that can't be added to.
ConfigFile with_handler(const Configuration& configuration, const Handler& handler);

/// A runtime handler, whoever defined it.
struct FoundHandler {
  std::string name;
  std::string base_spec;  ///< path; empty: none
  std::string binary;     ///< the runtime that its options name; empty: none
  /// Patterns of those that reach a container's document.
  std::vector<std::string> pod_annotations;
  std::vector<std::string> container_annotations;
};

struct FoundConfiguration {
  std::vector<FoundHandler> handlers;
  std::optional<bool> nri_disabled;  ///< nullopt: as this containerd has it by default
  std::string nri_socket;            ///< empty: likewise
};

/// What containerd makes of it. Throws Error(kSettings) for text that isn't TOML, and for a version
/// below 2.
FoundConfiguration find_handlers(const std::vector<ConfigFile>& files);

/// text without our block; text itself when it has none. path: for messages.
std::string without_handler(std::string_view text, const std::string& path);

/// Whether text is a file of ours as a whole, which begins so.
inline constexpr std::string_view kDropInHeader =
    "# `oci-cnb node install` wrote this file, `oci-cnb node uninstall` removes it\n";
bool is_drop_in(std::string_view text);

/// The files and patterns that `imports` names, as written.
std::vector<std::string> imports_of(const ConfigFile& file);

}  // namespace hookcore::node
