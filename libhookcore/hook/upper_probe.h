#pragma once

#include <string>

#include "libhookcore/sys/process.h"

namespace hookcore::hook {

/// Whether scratch can be the upper of an overlay is tried once in a boot for each file system, and
/// the success written down in the store: what a kernel and a file system can do doesn't change
/// meanwhile, and trying costs more than all other preparation of an upper.
class UpperProbe {
 public:
  /// store_fd: root of the session store, ours alone; has to outlive this object.
  UpperProbe(int store_fd, std::string boot_id, bool user_xattr)
      : store_fd_(store_fd), boot_id_(std::move(boot_id)), user_xattr_(user_xattr) {}

  bool is_known(int scratch_fd) const;
  /// Tries it. Throws what overlay::probe_upper throws.
  void require(const sys::Proc& proc, int scratch_fd) const;

 private:
  std::string key(int scratch_fd) const;

  int store_fd_;
  std::string boot_id_;
  bool user_xattr_;
};

}  // namespace hookcore::hook
