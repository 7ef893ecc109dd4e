#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/base/path.h"
#include "libhookcore/oci/state.h"

/// A bundle's config.json (runtime-spec, config.md), read. To change one, see edit.h.
namespace hookcore::oci {

struct Mount {
  std::string destination;  ///< as written
  /// destination absolute and without ".", "..", double or trailing slashes: for comparing.
  std::string normalised_destination;
  std::string type;    ///< may be empty: a bind by its options
  std::string source;  ///< a host path, or a word such as "tmpfs"
  std::vector<std::string> options;

  bool has_option(std::string_view option) const;
  /// By option (bind, rbind) or by type: engines write type "none", "bind" or nothing at all.
  bool is_bind() const;
  /// The last of "ro" and "rw" counts, as with mount(8).
  bool is_readonly() const;
};

struct Namespace {
  std::string type;  ///< "user", "mount", "network", …
  std::string path;  ///< of a namespace to join; empty: a new one
};

/// One line of linux.uidMappings or linux.gidMappings.
struct IdMapping {
  uint32_t container_id = 0;
  uint32_t host_id = 0;
  uint32_t size = 0;
};

/// The id outside of what is `id` in the container; nullopt when not mapped. No mappings: itself.
std::optional<uint32_t> map_to_host(const std::vector<IdMapping>& mappings, uint32_t id);

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> additional_gids;
};

struct Hook {
  std::string path;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::optional<int64_t> timeout;  ///< seconds
};

struct Hooks {
  std::vector<Hook> prestart;
  std::vector<Hook> create_runtime;
  std::vector<Hook> create_container;
  std::vector<Hook> start_container;
  std::vector<Hook> poststart;
  std::vector<Hook> poststop;
};

/// What this project reads of a config.json. Owned copies; everything else (seccomp, resources,
/// devices, unknown fields) is checked to be JSON and skipped.
struct ConfigView {
  std::string oci_version;

  bool has_process = false;  ///< the specification lets a bundle that is never started omit it
  std::string cwd;
  std::vector<std::string> env;
  std::vector<std::string> args;
  User user;
  std::vector<std::string> effective_capabilities;
  bool terminal = false;

  std::string root_path;  ///< as written: absolute, or relative to the bundle
  bool root_readonly = false;

  std::vector<Mount> mounts;  ///< in the order in which the runtime makes them
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  std::string rootfs_propagation;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;

  Hooks hooks;
  Annotations annotations;

  /// The mount that counts at a normalised destination: the last one. nullptr when there is none.
  const Mount* mount_at(std::string_view destination) const;
  bool has_namespace(std::string_view type) const;
  /// The value of the first `NAME=value` in env.
  std::optional<std::string_view> env_value(std::string_view name) const;
};

inline constexpr size_t kMaxConfigSize = size_t{16} << 20;

/// Reads a document. Throws Error(Code::kConfig) with line and column, or with the field's path,
/// for: text that is not one JSON object, a known field of a wrong type, a key that stands twice
/// where this project reads (parsers disagree on which one counts), nesting deeper than 128,
/// invalid UTF-8, more than kMaxConfigSize bytes. where names the document in messages.
ConfigView parse_config(std::string_view json, std::string_view where = "config.json");

/// The annotations alone: what decides whether a container opted in. Everything else is checked to
/// be JSON and skipped, so that a document which is none of our business is not judged further.
Annotations parse_annotations(std::string_view json, std::string_view where = "config.json");

/// What else may opt in, where an engine hands no annotation on.
struct OptInFields {
  Annotations annotations;
  std::vector<std::string> env;  ///< process.env
};
/// parse_annotations, with the environment of the process.
OptInFields parse_opt_in(std::string_view json, std::string_view where = "config.json");

/// Reads the document of a process that is started in a running container (runc exec --process):
/// the object "process" of a config.json by itself. Throws as parse_config does.
ConfigView parse_process(std::string_view json, std::string_view where = "process.json");

using hookcore::normalise_path;

}  // namespace hookcore::oci
