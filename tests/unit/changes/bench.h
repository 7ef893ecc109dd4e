#pragma once

#include <string>
#include <vector>

#include "libhookcore/changes/summary.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::changes::testing {

/// PLACE/source, PLACE/upper, and PLACE/merged, where the kernel's own overlay of both stands once
/// it is mounted: by us, with features that our hooks don't ask for, since an upper is read as it
/// is.
class Bench {
 public:
  explicit Bench(const sandbox::Place& place);

  std::string path(const std::string& below) const { return place_.path + "/" + below; }
  bool user_xattr() const { return place_.as != sandbox::As::kRoot; }
  /// options: as mount(8) has them, behind the directories.
  void mount(const std::string& options);
  /// A shell script in merged; its failure fails the test.
  void in_merged(const std::string& script);
  void unmount();

  /// The layers, with the masks of these rules (.dockerignore); descriptors are this object's.
  Layers layers(const std::string& rules = "", bool user_xattr = false);
  /// What summarise tells, a line each: letter, path, a slash behind directories, then what else
  /// there is: "mode", "owner", "retyped", "below N", "from PATH", "link PATH".
  std::vector<std::string> changes(const std::string& rules = "");
  std::vector<std::string> changes(const Layers& layers) const;

 private:
  const sandbox::Place& place_;
  sys::UniqueFd upper_;
  sys::UniqueFd source_;
};

/// ROOT/source, ROOT/before, which is the same, and ROOT/copy, a plain copy as a session has it.
class CopyBench {
 public:
  /// The source is there.
  explicit CopyBench(std::string root, const std::string& rules = "");

  const Layers& layers() const { return layers_; }
  /// As Bench has them.
  std::vector<std::string> changes() const;

 private:
  sys::UniqueFd copy_;
  sys::UniqueFd source_;
  Layers layers_;
};

/// The same lines ("mode", "owner" and "retyped" only) by two trees alone, none of them an upper:
/// what somebody sees who knows nothing of overlays.
std::vector<std::string> compare_trees(const std::string& before, const std::string& now);

}  // namespace hookcore::changes::testing
