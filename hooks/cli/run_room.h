#pragma once

#include <string>
#include <vector>

#include "libhookcore/sys/fd.h"

namespace hookcore::cli {

/// A bundle that lives as long as this object, in STORE/bundles. Its directory is its own lock
/// (flock(2)): one without a holder was left by a process that was killed.
class RunRoom {
 public:
  /// Throws Error(Code::kScratch) as session::Store::open does.
  explicit RunRoom(const std::string& store_root);
  ~RunRoom();
  RunRoom(const RunRoom&) = delete;
  RunRoom& operator=(const RunRoom&) = delete;

  int fd() const { return fd_.get(); }
  /// Also the container's id.
  const std::string& name() const { return name_; }
  std::string path() const { return root_ + "/" + name_; }

  /// Calls end(path, name) for what a killed process left, and removes it.
  template <typename End>
  void sweep(End end) const {
    for (const std::string& name : abandoned()) {
      end(root_ + "/" + name, name);
      remove(name);
    }
  }

 private:
  std::vector<std::string> abandoned() const;
  void remove(const std::string& name) const;

  std::string root_;
  std::string name_;
  sys::UniqueFd parent_;
  sys::UniqueFd fd_;
};

}  // namespace hookcore::cli
