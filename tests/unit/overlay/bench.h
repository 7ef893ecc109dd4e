#pragma once

#include <fcntl.h>

#include <memory>
#include <string>

#include "libhookcore/ignore/rules.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/process.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::overlay::testing {

/// PLACE/source and PLACE/scratch; the workspace stands over PLACE/workspace.
class Bench {
 public:
  explicit Bench(const sandbox::Place& place)
      : place_(place), proc_(sys::Proc::open()), api_(sys::make_new_mount_api()) {
    tree::make(place.path, {"source/", "scratch/", "workspace/"});
  }

  bool user_xattr() const { return place_.as != sandbox::As::kRoot; }
  std::string path(const std::string& below) const { return place_.path + "/" + below; }
  const sys::Proc& proc() const { return proc_; }
  sys::MountApi& api() { return *api_; }
  sys::UniqueFd open(const std::string& below) const {
    return sys::open_at(place_.fd, below, O_RDONLY | O_DIRECTORY, sys::Resolve::kNoLinks);
  }

  /// Assembles and attaches; rules as a .dockerignore has them.
  void mount(const std::string& rules, std::vector<Anchor> anchors = {}) {
    source_ = clone_source(*api_, open("source").get());
    upper_ = api_->clone(open("scratch").get(), false);
    prepare_upper(upper_.get(), source_.get());
    const WorkspacePlan plan{ignore::parse_dockerignore(rules, ".dockerignore"), user_xattr(),
                             std::move(anchors)};
    workspace_ = assemble(*api_, plan, source_.get(), upper_.get());
    api_->attach(workspace_.mount.get(), open("workspace").get());
  }

  const Workspace& workspace() const { return workspace_; }
  int source() const { return source_.get(); }

 private:
  const sandbox::Place& place_;
  sys::Proc proc_;
  std::unique_ptr<sys::MountApi> api_;
  sys::UniqueFd source_;
  sys::UniqueFd upper_;
  Workspace workspace_;
};

}  // namespace hookcore::overlay::testing
