#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "libhookcore/sys/fd.h"

/// Directories by getdents64(2) with large buffers: readdir(3) reads 32 KiB at a time and locks.
namespace hookcore::sys {

/// Lists directories one after another through one buffer.
class DirectoryReader {
 public:
  struct Entry {
    std::string_view name;  ///< followed by a NUL byte; valid until the next call
    unsigned char type;     ///< DT_* of <dirent.h>; DT_UNKNOWN where the file system doesn't tell
  };

  /// Measured: beyond 64 KiB nothing is gained, and the buffer falls out of the L2 cache.
  static constexpr size_t kBufferBytes = size_t{64} << 10;

  DirectoryReader();

  /// Starts to list fd from where its offset stands; fd stays the caller's.
  void start(int fd);
  /// The next entry, "." and ".." left out; false at the end. A directory that is removed meanwhile
  /// ends. Throws SystemError.
  bool next(Entry& entry);
  /// True if next() has to ask the kernel first: a good moment to do something else.
  bool at_boundary() const { return position_ == filled_; }

 private:
  bool refill();

  std::unique_ptr<char[]> buffer_;
  size_t position_ = 0;
  size_t filled_ = 0;
  int fd_ = -1;
};

/// Opens the directory `name` in dirfd for reading, without following a link and, if it is ours,
/// without a trace in its access time. -errno on failure.
int open_directory_at(int dirfd, const char* name);
/// The DT_* type of `name` in dirfd, links not followed; nullopt if there is none. Throws
/// SystemError.
std::optional<unsigned char> entry_type_at(int dirfd, const char* name);

}  // namespace hookcore::sys
