#pragma once

#include <string>
#include <vector>

#include "libhookcore/oci/config.h"
#include "libhookcore/oci/state.h"
#include "libhookcore/overlay/access.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {

/// bundle/config.json of the container. Throws Error(kConfig).
oci::ConfigView read_config(const oci::State& state);
/// The rootfs on the host: crun's state has it; else config.json's root.path below the bundle.
std::string rootfs_path(const oci::State& state, const oci::ConfigView& config);

/// Where the mount hook is run (runtime-spec, config.md "POSIX-platform Hooks").
enum class Stage {
  /// prestart, createRuntime: outside of the container, whose pid the state has.
  kRuntime,
  /// createContainer: inside its namespaces already. The way for crun as a plain user: it makes the
  /// container's process undumpable, and only the first user namespace's root may look for its
  /// namespaces then. The state's pid means nothing here (crun: 0, runc: 1).
  kContainer,
};

/// What a hook says that finds no container as kRuntime has it.
inline constexpr const char* kStageRemedy =
    "register this hook for the stage createRuntime or prestart";

/// The container's first process as the host's /proc counts. Throws Error(kState).
pid_t container_pid(const sys::Proc& proc, const oci::State& state, Stage stage);

/// The container's namespaces as its hook finds them: created, mounted, not yet pivoted.
class Namespaces {
 public:
  /// Throws Error(kState) when pid isn't a process with a mount namespace of its own.
  Namespaces(const sys::Proc& proc, pid_t pid, Stage stage);

  /// Unless we are there: enters the mount namespace, and the user namespace before where we have
  /// no power outside of it (a runtime started by a plain user). There is no way back.
  void enter();

  /// After enter(): an id of the container as we see it; nullopt when it isn't mapped.
  std::optional<uint32_t> to_ours(bool group, uint32_t id) const;
  /// An id that we see, as the container sees it; nullopt when it isn't mapped there.
  std::optional<uint32_t> to_inside(bool group, uint32_t id) const;
  /// We mount from a user namespace: trusted.* attributes are not for us.
  bool user_xattr() const { return user_xattr_; }
  /// We may shift a source's owners (mount_setattr(2), MOUNT_ATTR_IDMAP): only as the machine's
  /// root, and outside of the container, where pids (by which id maps are written) count as the
  /// host's do.
  bool can_make_id_maps() const { return !user_xattr_ && mount_; }

 private:
  sys::UniqueFd mount_;  ///< empty: we are inside
  sys::UniqueFd user_;
  bool same_user_ = true;
  bool user_xattr_ = false;
  std::vector<sys::IdRange> uids_;
  std::vector<sys::IdRange> gids_;
};

/// The first process's ids and power over files. Throws Error(kIds) for an id that isn't mapped.
overlay::ProcessIds process_ids(const oci::ConfigView& config, const Namespaces& namespaces);

}  // namespace hookcore::hook
