#pragma once

#include <string>
#include <vector>

#include "libhookcore/bundle/bundle.h"

/// A root file system that is made of the host's own programs: its /usr, read-only, and the few
/// files in /etc without which they don't work. No file of the host is copied.
namespace hookcore::bundle {

/// What is at a path of the host, links not followed.
enum class Kind { kNothing, kDirectory, kFile, kLink };

/// The host, looked up by whoever plans.
struct HostView {
  Kind (*kind)(const std::string& path);
  std::string (*link_target)(const std::string& path);
};

struct RootfsPlan {
  std::vector<std::string> directories;                    ///< parents first, absolute
  std::vector<std::pair<std::string, std::string>> links;  ///< path, target
  std::vector<std::pair<std::string, std::string>> files;  ///< path, contents
  std::vector<Bind> binds;                                 ///< all read-only
  std::vector<std::string> writable;                       ///< directories for a tmpfs
};

/// user gets a line in /etc/passwd and /etc/group. host_network: names are looked up as on the
/// host.
RootfsPlan plan_host_rootfs(const HostView& host, const oci::User& user, bool host_network);

}  // namespace hookcore::bundle
