#pragma once

#include <optional>
#include <string>

#include "libhookcore/base/way.h"

namespace hookcore::session {

/// What was found out about the ways other than the kernel's overlay, and about that one where it
/// was refused: written down in the store, for this boot and for each pair of file systems. Nobody
/// looks into it while the overlay works (see hook::UpperProbe).
class WayBook {
 public:
  /// store_fd: root of the session store, ours alone. source_fd, scratch_fd: directories on the two
  /// file systems.
  WayBook(int store_fd, const std::string& boot_id, int source_fd, int scratch_fd, bool user_xattr);

  struct Outcome {
    bool works = false;
    std::string reason;  ///< of a refusal
  };
  /// nullopt: not tried yet.
  std::optional<Outcome> find(Way way) const;
  /// Only what the kernel and the file systems have decided: not that a program is missing.
  void note(Way way, const Outcome& outcome) const;

 private:
  std::string read() const;
  std::string prefix(Way way) const { return pair_ + std::string(name(way)) + " "; }

  int store_fd_;
  std::string boot_id_;
  std::string pair_;
};

}  // namespace hookcore::session
