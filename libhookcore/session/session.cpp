#include "libhookcore/session/session.h"

#include <fcntl.h>

#include <cerrno>

#include "libhookcore/base/error.h"
#include "libhookcore/base/way.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/sys/file.h"

namespace hookcore::session {

int make_state_file(int session_fd) {
  return sys::open_at_raw(session_fd, kStateFile, O_WRONLY | O_CREAT | O_NOFOLLOW,
                          sys::Resolve::kStrict, 0600);
}

Session::Session(std::string name, sys::UniqueFd fd, bool is_new)
    : name_(std::move(name)), fd_(std::move(fd)), is_new_(is_new), state_(read_state(fd_.get())) {}

bool Session::has_content() const {
  if (sys::stat_at(fd_.get(), kCopyName)) return true;
  const int upper =
      sys::open_at_raw(fd_.get(), kUpperName, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
  if (upper == -ENOENT) return false;
  if (upper == -EACCES) return true;  // what is closed to us isn't taken for empty
  if (upper < 0) throw SystemError("openat2", kUpperName, -upper, Code::kSession);
  return !sys::list_directory(sys::UniqueFd(upper).get()).empty();
}

void Session::write_state(SessionState state) {
  try {
    put_state(state);
  } catch (const SystemError& error) {
    if (error.error_number() != ENOSPC && error.error_number() != EDQUOT) throw;
    throw Error(Code::kScratch, error.what(), error.where(),
                "make room where scratch is (df, df -i, oci-cnb session list), or set scratch-dir "
                "in config.toml to another disk");
  }
  state_ = std::move(state);
}

void Session::put_state(const SessionState& state) {
  const std::string text = format_state(state);
  if (state.kind != Kind::kContainer) {
    sys::replace_file(fd_.get(), kStateFile, text, 0600, sys::Durability::kDurable);
  } else if (!add_state(text)) {
    sys::replace_file(fd_.get(), kStateFile, text, 0600, sys::Durability::kCrash);
  }
}

// Half a state at the file's end is as good as none, so a container's start is spared the making
// and exchanging of files. false: the file isn't this object's.
bool Session::add_state(const std::string& text) {
  sys::UniqueFd file = std::move(state_file_);
  if (!file && is_new_ && !state_) {
    const int made = make_state_file(fd_.get());
    if (made < 0) throw SystemError("openat2", kStateFile, -made, Code::kScratch);
    file.reset(made);
    // A hook that was killed at its first write was here between our making and our locking.
    if (sys::stat_fd(file.get(), kStateFile).st_size > 0) return false;
  }
  if (!file) return false;
  sys::write_all(file.get(), text, kStateFile);
  state_file_ = std::move(file);  // not after a failure: nothing may follow half a state
  return true;
}

}  // namespace hookcore::session
