#include "hooks/cli/run_room.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "libhookcore/base/error.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/remove.h"

namespace hookcore::cli {

namespace {

sys::UniqueFd open_directory(int parent, const std::string& name) {
  return sys::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kNoLinks);
}

std::string new_name() {
  struct ::timespec now {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return "run-" + std::to_string(::getpid()) + "-" + std::to_string(now.tv_sec);
}

}  // namespace

RunRoom::RunRoom(const std::string& store_root)
    : root_(store_root + "/" + session::kBundlesName), name_(new_name()) {
  const session::Store store = session::Store::open(store_root);
  if (::mkdirat(store.fd(), session::kBundlesName, 0700) != 0 && errno != EEXIST) {
    throw SystemError("mkdirat", root_, errno, Code::kScratch);
  }
  parent_ = open_directory(store.fd(), session::kBundlesName);
  // Nobody sweeps between the directory's making and its locking.
  if (::flock(parent_.get(), LOCK_EX) != 0) throw SystemError("flock", root_, errno);
  if (::mkdirat(parent_.get(), name_.c_str(), 0700) != 0) {
    throw SystemError("mkdirat", path(), errno, Code::kScratch);
  }
  fd_ = open_directory(parent_.get(), name_);
  if (::flock(fd_.get(), LOCK_EX) != 0) throw SystemError("flock", path(), errno);
  ::flock(parent_.get(), LOCK_UN);
}

RunRoom::~RunRoom() { remove(name_); }

std::vector<std::string> RunRoom::abandoned() const {
  std::vector<std::string> names;
  ::flock(parent_.get(), LOCK_EX);
  for (const std::string& name : sys::list_directory(parent_.get())) {
    const auto directory =
        sys::try_open_at(parent_.get(), name, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
    if (directory && ::flock(directory->get(), LOCK_EX | LOCK_NB) == 0) names.push_back(name);
  }
  ::flock(parent_.get(), LOCK_UN);
  return names;
}

void RunRoom::remove(const std::string& name) const {
  try {
    sys::remove_tree(parent_.get(), name);
  } catch (const Error&) {
    // The next run sweeps it.
  }
}

}  // namespace hookcore::cli
