#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libhookcore/base/way.h"
#include "libhookcore/fuse/launch.h"
#include "libhookcore/hook/site.h"
#include "libhookcore/hook/upper_probe.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/session/way_book.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::hook {

/// A workspace that stands nowhere yet.
struct MadeWorkspace {
  sys::UniqueFd mount;
  sys::UniqueFd tmpfs;               ///< for a MountBin; goes with it
  std::vector<sys::UniqueFd> spent;  ///< mounts that have served: for the bin
  std::string account;               ///< one phrase for the log
};

/// The ways to a workspace, in the order of SPEC 8: the first that serves is taken. While the
/// kernel's overlay serves, nothing here is done for the sake of the others.
class WayChain {
 public:
  /// site has to outlive this object.
  explicit WayChain(const Site& site)
      : site_(site),
        probe_(site.store.fd(), site.claim.state().boot_id, site.namespaces.user_xattr()) {}

  /// source: root of a clone of the source. has_upper: the workspace is written, by this container
  /// or by one that joins it. Writes the way and the reason into the claimed session's state.
  /// Throws Error that names each way with its reason where none serves.
  MadeWorkspace make(sys::MountApi& api, const overlay::WorkspacePlan& plan, sys::UniqueFd source,
                     bool has_upper);
  /// The container has its workspace. Throws Error where whoever keeps that going can't be told.
  void keep();

 private:
  /// What one call of make() works with.
  struct Work {
    sys::MountApi& api;
    const overlay::WorkspacePlan& plan;
    sys::UniqueFd source;
    bool has_upper;
    sys::UniqueFd scratch = {};         ///< clone of the session's directory, or a tmpfs
    overlay::Workspace workspace = {};  ///< the masks, once there are any
  };

  std::optional<WayRefusal> obstacle(Way way) const;
  MadeWorkspace take(Way way, Work& work);
  MadeWorkspace take_overlay(Work& work);
  void require_fit_scratch(const Work& work) const;
  MadeWorkspace take_fuse(Work& work);
  MadeWorkspace take_copy(Way way, Work& work);
  std::string copy_source(Way way, const Work& work);
  void prepare_scratch(Work& work) const;
  void try_fuse(Work& work);
  fuse::Launch launch(Work& work, int masks, int source, int scratch) const;
  session::WayBook book(const Work& work) const;
  static MadeWorkspace made(Work& work, sys::UniqueFd mount);

  const Site& site_;
  UpperProbe probe_;
  std::optional<fuse::Launch> helper_;
};

}  // namespace hookcore::hook
