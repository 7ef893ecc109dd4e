#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "libhookcore/sys/fd.h"

namespace hookcore::changes {

/// What `apply` itself has left in the source: entries in that very state are no change of somebody
/// else. Lies in the session's directory and is locked while it is open: one apply at a time.
/// A change is announced before it is made, since a kill may come before its outcome is written
/// down: such an entry is ours in whatever state. After a power cut lines may be missing, and the
/// next run takes its own work for somebody else's: it refuses, which is the safe side.
class Journal {
 public:
  /// Throws Error(kSession) when another apply is at work.
  explicit Journal(int session_fd);

  using Key = std::tuple<uint64_t, uint64_t, int64_t, int64_t>;  ///< device, inode, ctime
  using Object = std::pair<uint64_t, uint64_t>;                  ///< device, inode
  struct Contents {
    std::set<Key> known;
    std::set<Object> begun;  ///< announced, and not known since
    bool operator==(const Contents&) const = default;
  };
  /// Lines of four numbers, or of the first two; what isn't a whole one, such as the last of a run
  /// that was killed, is none.
  static Contents parse(std::string_view text);

  bool knows(const struct ::stat& status) const;
  /// This entry is about to be changed by us.
  void begin(const struct ::stat& status);
  /// And now it has been.
  void add(const struct ::stat& status);

 private:
  sys::UniqueFd file_;
  Contents contents_;
};

}  // namespace hookcore::changes
