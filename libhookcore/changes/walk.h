#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <unordered_set>

#include "libhookcore/copy/manifest.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/overlay/ids.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/file.h"

/// What a container made of its workspace, read from the overlay's upper and the source: both are
/// hostile, and both may change meanwhile.
namespace hookcore::changes {

/// The layers of a session's overlay; or its copy of the source, and what that was made of.
struct Layers {
  int upper = -1;   ///< root directory; of the copy where there is one
  int source = -1;  ///< root directory, as it is on disk
  /// Hidden entries whose directory is visible, relative to the source (ignore::find_masks).
  std::unordered_set<std::string> masks;
  overlay::IdShift shift;   ///< of the source's owners
  bool user_xattr = false;  ///< which attributes are overlayfs's; a container may set the others
  std::shared_ptr<const copy::Manifest> copied = {};  ///< null: an overlay
};

/// The masks of a source by its present rules.
std::unordered_set<std::string> find_masks(int source_fd, const ignore::RuleSet& rules);

enum class Kind : unsigned char { kAdded, kModified, kDeleted, kSame };

/// One entry that the upper, or a directory that was moved there, has something to say about.
struct Entry {
  Kind kind = Kind::kSame;
  std::string path;  ///< bytes relative to the workspace, no slash at the end
  /// As it is now; not for kDeleted. Owners as the container sees them.
  struct ::stat now {};
  /// As it was: not for kAdded. Owners likewise.
  struct ::stat old {};
  /// kModified: what differs. A new time alone is no change.
  bool contents = false;
  bool mode = false;
  bool owner = false;
  /// A directory that hides all there was at its place.
  bool replaced = false;
  /// Below such a directory, or below one that is new.
  bool below_new = false;
  std::string moved_from;  ///< a directory, or a file, that shows what the source has there

  /// Where its bytes are; directory is open during the call only.
  int directory = -1;
  std::string name;
  std::string data_in_source;  ///< not empty: the contents are those of this file of the source

  bool retyped() const {
    return kind == Kind::kModified && (now.st_mode & S_IFMT) != (old.st_mode & S_IFMT);
  }
};

class Visitor {
 public:
  virtual ~Visitor() = default;
  /// Parents come before what is in them, siblings in the order of their bytes. What is below a
  /// deleted directory isn't visited.
  virtual void visit(const Entry& entry) = 0;
};

/// Visits everything in the upper, or in the copy, also what turns out to be kSame. Reads nothing
/// of the source but what the upper has a copy of, or what was touched in the copy. Throws
/// SystemError.
void walk(const Layers& layers, Visitor& visitor);
/// What it does for a copy: compares what is there with what was copied. A change of the source
/// since then is none of the container's; what was changed on both sides counts as changed
/// contents.
void walk_copy(const Layers& layers, Visitor& visitor);

/// Whether two files hold the same bytes. Throws SystemError.
bool same_contents(int a, int b);

/// An entry that is there now, for reading: O_DIRECTORY, or nothing, is added to the flags. Throws
/// SystemError.
sys::UniqueFd open_entry(const Layers& layers, const Entry& entry, int more_flags = 0);

/// The target of a link. Throws SystemError.
std::string read_link(int directory, const std::string& name);

/// Whether overlayfs keeps its own accounts in an attribute of this name.
bool is_overlay_xattr(const std::string& name);

}  // namespace hookcore::changes
