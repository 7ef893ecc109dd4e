#pragma once

#include <string>
#include <utility>

namespace hookcore::sys {

/// Takes parent_fd/name away when it ends (remove_tree). What can't be removed then is left: what
/// is tried in a directory goes with that at last.
class TemporaryTree {
 public:
  /// parent_fd outlives this object.
  TemporaryTree(int parent_fd, std::string name) : parent_fd_(parent_fd), name_(std::move(name)) {}
  ~TemporaryTree();
  TemporaryTree(const TemporaryTree&) = delete;
  TemporaryTree& operator=(const TemporaryTree&) = delete;

  const std::string& name() const { return name_; }

 private:
  int parent_fd_;
  std::string name_;
};

}  // namespace hookcore::sys
