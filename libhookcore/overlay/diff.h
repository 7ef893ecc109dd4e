#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What a container did to its workspace, read from the overlay's upper.
namespace hookcore::overlay {

struct Change {
  enum class Kind : unsigned char { kAdded, kModified, kDeleted };
  enum class Type : unsigned char { kDirectory, kFile, kLink, kOther };

  Kind kind = Kind::kAdded;
  std::string path;  ///< bytes relative to the workspace, no slash at the end
  Type type = Type::kFile;
  Type old_type = Type::kFile;  ///< kModified: another one than type where it was replaced
  uint64_t below = 0;  ///< kAdded directory: entries in it, which are not listed one by one

  bool operator==(const Change&) const = default;
};

/// The layers below and the upper of one overlay; descriptors of their root directories.
struct Layers {
  int upper = -1;
  int mask = -1;    ///< of MaskLayer; what it hides was never there
  int source = -1;  ///< as the overlay sees it (id-mapped, if it is)
};

/// Compares, sorted by the bytes of the paths. A directory that is new stands for all it holds; one
/// that is gone likewise. A file counts as modified when its contents, mode or owner differ: a
/// new time alone is no change. Reads nothing of the source but what the upper has a copy of.
/// Throws SystemError.
std::vector<Change> find_changes(const Layers& layers);

}  // namespace hookcore::overlay
