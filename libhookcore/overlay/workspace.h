#pragma once

#include <cstdint>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/base/way.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/overlay/mask_layer.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/process.h"

namespace hookcore::overlay {

inline constexpr const char* kUnfinishedUpperName = "upper.new";
inline constexpr const char* kWorkName = "work";
inline constexpr const char* kMaskName = "mask";

/// What the workspace is made of, decided before anything is mounted.
struct WorkspacePlan {
  ignore::RuleSet rules;
  bool user_xattr = false;  ///< we are in a user namespace
  std::vector<Anchor> anchors;
  std::string mount_source = {};  ///< see sys::OverlayOptions
};

/// The kernel, or a file system, won't make this overlay: another way may serve (SPEC 8).
class OverlayRefused : public Error {
 public:
  using Error::Error;
};

struct Workspace {
  sys::UniqueFd mount;  ///< the overlay, attached nowhere; empty: not made yet
  sys::UniqueFd mask;   ///< the mask layer: directory kMaskName in tmpfs
  sys::UniqueFd tmpfs;  ///< of the mask layer and nothing else
  uint64_t masks = 0;
};

/// A mount of the source alone, fit to be a lower layer: without what is mounted inside of it, and
/// without access times where that is allowed. Throws Error(kSource) where a user namespace is held
/// to show what is mounted inside.
sys::UniqueFd clone_source(sys::MountApi& api, int source_fd);

/// Throws Error(kScratch) when the scratch directory lies in the source, or is it: the kernel would
/// take such an overlay, and the workspace would grow into itself. scratch_fd has to be opened by
/// its path, so that ".." leads to the root.
void refuse_scratch_inside(const sys::Proc& proc, int source_fd, int scratch_fd);

/// Builds source, masks and upper into one overlay. source_fd: root of a mount made by api.clone().
/// scratch_fd: a directory that was opened in the entered mount namespace, or a mount of api, with
/// kUpperName and kWorkName in it (see prepare_upper); -1: read-only, without an upper. Throws
/// OverlayRefused.
Workspace assemble(sys::MountApi& api, const WorkspacePlan& plan, int source_fd, int scratch_fd);

/// assemble's two steps: the masks first, which serve other ways too.
Workspace make_masks(sys::MountApi& api, const WorkspacePlan& plan, int source_fd);
void mount_layers(sys::MountApi& api, const WorkspacePlan& plan, int source_fd, int scratch_fd,
                  Workspace& workspace);

/// Makes kUpperName and kWorkName in scratch_fd where they are absent, the upper's root with owner,
/// mode, times and attributes of the source's root as the container is to see it. An upper that is
/// there (a restarted container) is kept as it is.
void prepare_upper(int scratch_fd, int source_fd);

/// Tries on scratch_fd what overlayfs needs of an upper: a whiteout, its replacement by rename,
/// and an extended attribute. Throws OverlayRefused (kScratch) with the file system's name and what
/// failed; its remedy is kFitScratch.
void probe_upper(const sys::Proc& proc, int scratch_fd, bool user_xattr);

inline constexpr const char* kFitScratch =
    "set scratch-dir in config.toml to a directory on ext4, xfs, btrfs or tmpfs, or use the "
    "annotation io.cnb.hooks.scratch=tmpfs";

}  // namespace hookcore::overlay
