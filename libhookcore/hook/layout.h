#pragma once

#include <optional>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/hook/job.h"
#include "libhookcore/hook/rootfs.h"
#include "libhookcore/overlay/access.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::hook {

/// A session's /layers, in its directory.
inline constexpr const char* kLayersName = "layers";

/// Where a mount for /layers comes from, and for whom it is.
struct LayersPlan {
  int scratch;               ///< the session's directory
  std::string mount_source;  ///< by which others find one in memory; empty: nobody looks for it
  bool in_use;               ///< others are at work in the one on disk: it stays theirs
  const overlay::ProcessIds& process;
};

/// The mount for a container for which the engine has mounted none: in memory, or what the session
/// has on disk. Attached nowhere.
sys::UniqueFd make_layers(sys::MountApi& api, const optin::Scratch& scratch,
                          const LayersPlan& plan);

/// Ids of the container's root, as we see them: who owns directories that are made in the rootfs.
struct RootIds {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Gives the rootfs /layers, /cnb and /platform as SPEC 4 has them for the request's role.
/// layers_fd: root of a mount for /layers, used where the engine has mounted nothing there.
void prepare_layout(sys::MountApi& api, const Job& job, Rootfs& rootfs, RootIds root,
                    int layers_fd);
/// The violation where a role that runs the lifecycle finds none at /cnb/lifecycle.
std::optional<Error> check_lifecycle(const Job& job, const Rootfs& rootfs);
/// Whether the engine has mounted something at /layers.
bool has_layers_mount(const sys::Proc& proc, const Rootfs& rootfs);

}  // namespace hookcore::hook
