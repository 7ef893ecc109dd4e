#pragma once

#include <optional>
#include <string>

#include "libhookcore/changes/walk.h"
#include "libhookcore/session/store.h"

namespace hookcore::changes {

/// A session whose changes are looked at: its upper, and its source as it is today.
struct Subject {
  sys::UniqueFd session;
  sys::UniqueFd upper;  ///< or the copy
  sys::UniqueFd source;
  session::SessionState state;
  Layers layers;
  /// What has to be known before the changes are believed, or empty: the ignore rules of today are
  /// not those of the session's start.
  std::string doubt;

  /// Throws Error(kSession) where there is no such session, or nothing to compare: its upper was in
  /// memory, or its source can't be told any more. nullopt: the workspace was read-only.
  static std::optional<Subject> open(const session::Store& store, const std::string& name);
};

/// Whether an entry of the source is dated at or after the session's start: not what the container
/// saw. Exact where the clock wasn't set back: the session's time is of the clock that file systems
/// use, and every change of contents, mode, owner, name or link count dates the inode (ctime, which
/// no program can set).
bool changed_since(const session::Origin& origin, const struct ::stat& status);

}  // namespace hookcore::changes
