#pragma once

#include <string>
#include <vector>

#include "libhookcore/hook/workspace_place.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/overlay/mask_layer.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/mount_table.h"

namespace hookcore::hook {

/// A mount below the workspace that the engine made, to be put on top of the overlay.
struct NestedMount {
  std::string path;  ///< below the workspace
  bool directory = true;
  sys::UniqueFd tree;  ///< a clone of it with everything below
};

/// Finds and clones the engine's mounts below the workspace. A mount that came with the source (it
/// lies on the host's disk there, and the engine bound it recursively) would be writable in the
/// container or silently empty: Error(kSource), unless a rule hides it.
std::vector<NestedMount> take_nested_mounts(sys::MountApi& api, sys::MountTable& mounts,
                                            const oci::ConfigView& config,
                                            const std::string& workspace_path,
                                            const EngineMount& workspace,
                                            const ignore::RuleSet& rules);
/// What the mask layer has to keep in place for them.
std::vector<overlay::Anchor> anchors(const std::vector<NestedMount>& nested);
/// Puts them back, below overlay_fd.
void attach_nested_mounts(sys::MountApi& api, const std::vector<NestedMount>& nested,
                          int overlay_fd);

}  // namespace hookcore::hook
