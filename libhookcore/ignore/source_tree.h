#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libhookcore/ignore/verdict.h"
#include "libhookcore/ignore/walk.h"
#include "libhookcore/sys/fd.h"

/// The directories that a walk is working on.
namespace hookcore::ignore {

/// The hidden entries of an excluded directory of which it isn't known yet whether something
/// visible lies below: if so each becomes a mask, if not the directory itself is one.
struct Undecided {
  std::mutex mutex;
  std::atomic<bool> shown{false};       ///< something visible was found: the directory is visible
  std::string hidden;                   ///< type byte, name, NUL, ...
  std::atomic<bool> list_again{false};  ///< files are too many to remember; see walker.cpp
};

/// A directory that waits or is being worked on, or has something below that is. Holds its parent
/// by a reference, so that memory is bounded by depth and by what waits.
struct Directory {
  Directory* parent = nullptr;  ///< null for the root
  std::string name;
  unsigned depth = 0;
  Judge::OwnedScope scope;
  std::unique_ptr<Undecided> undecided;  ///< set if excluded
  sys::UniqueFd fd;                      ///< -1: not opened yet, or closed to save descriptors
  std::atomic<uint32_t> references{1};

  bool is_root() const { return parent == nullptr; }
  /// Bytes relative to the root.
  std::string path() const;
  /// Whether fd stays open while entries wait: an arbitrarily deep tree must not use up all
  /// descriptors.
  bool keeps_descriptor() const;
};

/// A descriptor of a directory of the tree: its own, or one opened again below the nearest ancestor
/// that has one, component by component and without links.
class DirectoryHandle {
 public:
  explicit DirectoryHandle(const Directory& directory);
  /// -errno if it has vanished.
  int fd() const { return fd_; }

 private:
  sys::UniqueFd owned_;
  int fd_;
};

}  // namespace hookcore::ignore
