#include "libhookcore/overlay/trial.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "libhookcore/base/error.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/remove.h"

namespace hookcore::overlay {
namespace {

constexpr const char* kSourceName = "source";
constexpr const char* kMasked = "masked";
constexpr const char* kVisible = "visible";
constexpr const char* kMoved = "moved";

void require(bool done, const char* operation) {
  if (!done) throw SystemError(operation, "trial", errno, Code::kScratch);
}

sys::UniqueFd make_directory(int parent, const std::string& name) {
  require(::mkdirat(parent, name.c_str(), 0700) == 0, "mkdirat");
  return sys::open_at(parent, name, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
}

void make_file(int directory, const char* name) {
  static_cast<void>(
      sys::open_at(directory, name, O_CREAT | O_EXCL | O_WRONLY, sys::Resolve::kStrict, 0600));
}

}  // namespace

Trial::Trial(sys::MountApi& api, int scratch_fd)
    : directory_(scratch_fd, "trial." + std::to_string(::getpid())), tmpfs_(api.tmpfs({})) {
  const sys::UniqueFd masks = make_directory(tmpfs_.get(), kMaskName);
  require(::mknodat(masks.get(), kMasked, S_IFCHR, ::makedev(0, 0)) == 0, "mknodat of a whiteout");
  const sys::UniqueFd files = make_directory(tmpfs_.get(), kSourceName);
  make_file(files.get(), kMasked);
  make_file(files.get(), kVisible);
  source_ = api.clone(files.get(), false);
  static_cast<void>(sys::remove_tree(scratch_fd, directory_.name()));
  const sys::UniqueFd directory = make_directory(scratch_fd, directory_.name());
  make_directory(directory.get(), kUpperName);
  make_directory(directory.get(), kWorkName);
  scratch_ = api.clone(directory.get(), false);
}

void Trial::exercise(int overlay_fd) {
  if (sys::stat_at(overlay_fd, kMasked)) throw Error(Code::kScratch, "a whiteout hides nothing");
  if (!sys::stat_at(overlay_fd, kVisible)) {
    throw Error(Code::kScratch, "a lower file is not there");
  }
  require(::mkdirat(overlay_fd, kMasked, 0700) == 0, "mkdirat over a whiteout");
  require(::renameat(overlay_fd, kVisible, overlay_fd, kMoved) == 0, "renameat of a lower file");
  {
    const sys::UniqueFd moved =
        sys::open_at(overlay_fd, kMoved, O_RDWR | O_NOFOLLOW, sys::Resolve::kNoLinks);
    require(sys::set_xattr(moved.get(), "user.oci-cnb", "y"), "fsetxattr");
  }
  require(::unlinkat(overlay_fd, kMoved, 0) == 0, "unlinkat");
  require(::unlinkat(overlay_fd, kMasked, AT_REMOVEDIR) == 0, "unlinkat of a directory");
  for (const char* name : {kMasked, kVisible, kMoved}) {
    if (sys::stat_at(overlay_fd, name)) throw Error(Code::kScratch, "what was removed is there");
  }
}

}  // namespace hookcore::overlay
