#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <set>
#include <string_view>
#include <tuple>

#include "libhookcore/sys/fd.h"

namespace hookcore::changes {

/// What `apply` itself has left in the source: entries in that very state are no change of somebody
/// else. Lies in the session's directory and is locked while it is open: one apply at a time.
class Journal {
 public:
  /// Throws Error(kSession) when another apply is at work.
  explicit Journal(int session_fd);

  using Key = std::tuple<uint64_t, uint64_t, int64_t, int64_t>;  ///< device, inode, ctime
  /// Lines of these four numbers; what isn't a whole one, such as the last of a run that was
  /// killed, is none.
  static std::set<Key> parse(std::string_view text);

  bool knows(const struct ::stat& status) const { return known_.contains(key(status)); }
  void add(const struct ::stat& status);

 private:
  static Key key(const struct ::stat& status);

  sys::UniqueFd file_;
  std::set<Key> known_;
};

}  // namespace hookcore::changes
