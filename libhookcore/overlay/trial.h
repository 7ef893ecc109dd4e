#pragma once

#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/temporary_tree.h"

namespace hookcore::overlay {

/// Whether an overlay works is tried by working in one: over a few files of its own, with its upper
/// where the session's is to be. What it makes there goes with this object.
class Trial {
 public:
  /// scratch_fd: a directory of the session, in the entered mount namespace. Outlives this object.
  Trial(sys::MountApi& api, int scratch_fd);
  // Roots of mounts: the layers, for whoever makes the overlay.
  int masks() const { return tmpfs_.get(); }  ///< has kMaskName in it
  int source() const { return source_.get(); }
  int scratch() const { return scratch_.get(); }  ///< has kUpperName and kWorkName in it

  /// A whiteout hides a name and is covered; a file is renamed, gets an attribute and is removed.
  /// Throws Error with what failed.
  static void exercise(int overlay_fd);

 private:
  sys::TemporaryTree directory_;  ///< in the scratch directory
  sys::UniqueFd tmpfs_;
  sys::UniqueFd source_;
  sys::UniqueFd scratch_;
};

}  // namespace hookcore::overlay
