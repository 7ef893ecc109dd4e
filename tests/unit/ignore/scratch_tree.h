#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/ignore/walk.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::ignore::testing {

/// A source directory of its own, on a tmpfs where there is one; gone at the end.
class ScratchTree {
 public:
  ScratchTree();
  explicit ScratchTree(const std::vector<std::string>& entries);
  ~ScratchTree();
  ScratchTree(const ScratchTree&) = delete;
  ScratchTree& operator=(const ScratchTree&) = delete;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

  /// Each entry is a path; a directory ends in '/'. Parents are made as needed.
  void add(const std::vector<std::string>& entries);
  void write(const std::string& name, std::string_view content);

 private:
  std::string path_;
  sys::UniqueFd fd_;
};

/// "dir/name" or "name".
std::string join(std::string_view directory, std::string_view name);

/// Masks or visible entries as sets of paths; directories end in '/'. A path that is
/// given twice is kept in `repeated`.
class CollectMasks : public MaskSink {
 public:
  void mask(const SourceDirectory& directory, std::string_view name, EntryType type) override;
  std::set<std::string> paths;
  std::vector<std::string> repeated;
};
class CollectVisible : public VisibleSink {
 public:
  void visible(const SourceDirectory& directory, std::string_view name, EntryType type) override;
  std::set<std::string> paths;
  std::vector<std::string> repeated;
};

/// What the engine makes of a tree.
std::set<std::string> masks_of(int source_fd, const RuleSet& rules, WalkStats* stats = nullptr,
                               unsigned threads = 1);
std::set<std::string> visible_of(int source_fd, const RuleSet& rules);

}  // namespace hookcore::ignore::testing
