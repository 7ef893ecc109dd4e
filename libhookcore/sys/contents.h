#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

/// The bytes of a file into another one.
namespace hookcore::sys {

/// Makes `to` share all blocks of `from` (ioctl_ficlonerange(2)). 0, or the errno of the refusal:
/// EXDEV and EOPNOTSUPP where the file systems can't, EINVAL where these two files can't.
int clone_contents(int from, int to);

struct CopyBounds {
  uint64_t size = 0;    ///< how much of `from` is copied
  bool sparse = false;  ///< it may have holes, which stay holes
};

/// Copies into `to`, which is empty; copy_file_range(2), and where that can't, read and write. What
/// isn't there any more is left out: the caller looks whether the file has changed. copied is told
/// of every piece, and may throw. Throws SystemError naming object.
void copy_contents(int from, int to, const CopyBounds& bounds, std::string_view object,
                   const std::function<void(uint64_t bytes)>& copied);

}  // namespace hookcore::sys
