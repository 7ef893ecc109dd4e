#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libhookcore/environment/hooks.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/settings/accounts.h"
#include "libhookcore/settings/settings.h"

/// A config.json from nothing: SPEC 1 as one document for crun, runc and their like. All functions
/// are pure.
namespace hookcore::bundle {

/// A user namespace of the container's own, for a plain user.
struct UserNamespace {
  std::vector<oci::IdMapping> uids;
  std::vector<oci::IdMapping> gids;
};

/// Maps own, a host id, to inside, and what is granted around it, from 0 on and without a gap.
/// Throws Error(Code::kIds) where too little is granted to reach inside: a user namespace without
/// id 0 is one that runc refuses.
std::vector<oci::IdMapping> map_ids(uint32_t own, uint32_t inside,
                                    const settings::IdRanges& granted);

/// A bind of one of the caller's own directories.
struct Bind {
  std::string source;  ///< absolute host path
  std::string destination;
  bool readonly = false;
};

struct Options {
  std::string rootfs = "rootfs";  ///< absolute, or relative to the bundle
  bool rootfs_readonly = false;
  std::vector<std::string> args;
  std::vector<std::string> env;  ///< "NAME=value"; a name that stands twice counts once, the last
  oci::User user;
  bool terminal = false;
  std::string hostname = "cnb";
  bool host_network = false;
  std::string source;              ///< absolute host path for the workspace
  std::vector<Bind> binds;         ///< after the standard mounts, in this order
  std::vector<std::string> tmpfs;  ///< directories with a tmpfs of their own
  oci::Annotations annotations;    ///< with a role
  std::optional<UserNamespace> user_namespace;
  std::string hooks_directory;  ///< absolute
  environment::Starter starter = environment::Starter::kPrivileged;
};

/// The document, indented, with a newline at its end. Throws what parse_request, plan_environment
/// and add_hooks throw, and Error(Code::kUsage) for text that isn't UTF-8.
std::string make_document(const Options& options, const settings::Settings& settings);

}  // namespace hookcore::bundle
