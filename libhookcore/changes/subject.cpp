#include "libhookcore/changes/subject.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "libhookcore/base/error.h"
#include "libhookcore/base/way.h"
#include "libhookcore/copy/copy.h"
#include "libhookcore/session/naming.h"

namespace hookcore::changes {
namespace {

// The path may lead somewhere else today; the inode tells.
sys::UniqueFd open_source(const session::SessionState& state) {
  const std::string& path = state.origin.path;
  if (path.empty()) {
    throw Error(Code::kSession, "this session didn't write down where its source is", "",
                "start the container again with this version, its source a bind mount of a "
                "directory");
  }
  const int fd =
      sys::open_at_raw(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kHost);
  if (fd < 0) {
    throw SystemError("openat2", path, -fd, Code::kSource, "the session's source has to be there");
  }
  sys::UniqueFd source(fd);
  const struct ::stat status = sys::stat_fd(fd, path);
  if (status.st_dev != state.source_device || status.st_ino != state.source_inode) {
    throw Error(Code::kSource, "another directory is there than the session's source", quote(path),
                "move the right one back");
  }
  return source;
}

std::string doubt_about_rules(const Subject& subject, const ignore::RuleSet& rules) {
  const session::Origin& origin = subject.state.origin;
  const char* const doubt = "the ignore rules were changed since the session began";
  if (rules.file() != origin.rules) return doubt;
  if (rules.file().empty()) return {};
  // As rules are read: links lead where they lead inside the source.
  const sys::UniqueFd file(std::max(
      -1, sys::open_at_raw(subject.source.get(), rules.file(), O_PATH, sys::Resolve::kInRoot)));
  const bool same = file && !changed_since(origin, sys::stat_fd(file.get(), rules.file()));
  return same ? "" : doubt;
}

std::shared_ptr<const copy::Manifest> read_manifest(int session_fd) {
  const sys::UniqueFd file = sys::open_at(session_fd, copy::manifest_name(kCopyName),
                                          O_RDONLY | O_NOFOLLOW, sys::Resolve::kStrict);
  return std::make_shared<const copy::Manifest>(copy::Manifest::read(file.get()));
}

overlay::IdShift shift_of(const session::Origin& origin) {
  return {{origin.uid_swap[0], origin.uid_swap[1]}, {origin.gid_swap[0], origin.gid_swap[1]}};
}

}  // namespace

std::optional<Subject> Subject::open(const session::Store& store, const std::string& name) {
  Subject subject;
  auto session = store.look(name);
  if (!session) throw session::no_session(name);
  subject.session = std::move(*session);
  const auto state = session::read_state(subject.session.get());
  if (!state) throw Error(Code::kSession, "the session's state can't be read", quote(name));
  subject.state = *state;
  if (state->scratch == "tmpfs") {
    throw Error(Code::kSession, "what the container writes is in memory, and goes with it",
                quote(name), "use scratch=disk for a session that is to be compared");
  }
  const bool copied = is_copied(state->way);
  const char* const changed = copied ? kCopyName : kUpperName;
  const int upper = sys::open_at_raw(subject.session.get(), changed,
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kStrict);
  if (upper == -ENOENT) return std::nullopt;
  if (upper < 0) throw SystemError("openat2", changed, -upper, Code::kSession);
  subject.upper.reset(upper);
  subject.source = open_source(*state);
  const session::Origin& origin = state->origin;
  const auto asked = origin.asked_rules.empty() ? std::nullopt : std::optional(origin.asked_rules);
  const ignore::RuleSet rules = ignore::load_rules(subject.source.get(), asked);
  subject.doubt = doubt_about_rules(subject, rules);
  subject.layers = {subject.upper.get(), subject.source.get(),
                    find_masks(subject.source.get(), rules), shift_of(origin), origin.user_xattr};
  if (copied) subject.layers.copied = read_manifest(subject.session.get());
  return subject;
}

bool changed_since(const session::Origin& origin, const struct ::stat& status) {
  if (status.st_ctim.tv_sec != origin.seconds) return status.st_ctim.tv_sec > origin.seconds;
  return status.st_ctim.tv_nsec >= origin.nanoseconds;
}

}  // namespace hookcore::changes
