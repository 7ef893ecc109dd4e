#include "libhookcore/session/listing.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "libhookcore/session/helper.h"
#include "libhookcore/session/liveness.h"
#include "libhookcore/session/naming.h"
#include "libhookcore/sys/file.h"

namespace hookcore::session {
namespace {

// The session's own layout: what is below is the container's.
void add_usage(int session_fd, Listing& listing) {
  std::vector<std::string> waiting{"."};
  while (!waiting.empty()) {
    const std::string path = std::move(waiting.back());
    waiting.pop_back();
    const sys::UniqueFd directory(sys::open_at_raw(
        session_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kStrict));
    if (!directory) {
      listing.all_counted = false;
      continue;
    }
    for (const std::string& name : sys::list_directory(directory.get())) {
      const auto status = sys::stat_at(directory.get(), name);
      if (!status) continue;
      listing.bytes += static_cast<uint64_t>(status->st_blocks) * 512;
      if (S_ISDIR(status->st_mode)) waiting.push_back(std::string(path).append("/").append(name));
    }
  }
}

std::vector<Member> living_members(const sys::Proc& proc, const SessionState& state) {
  std::vector<Member> living;
  for (Member member : state.members) {
    if (!is_alive(proc, state, member)) continue;
    if (member.container.empty()) member.container = state.container;
    living.push_back(std::move(member));
  }
  return living;
}

Condition condition_of(const sys::Proc& proc, const SessionState& state,
                       const std::vector<Member>& living) {
  if (living.empty()) return is_over(proc, state) ? Condition::kOver : Condition::kStopped;
  const bool runs = std::any_of(living.begin(), living.end(),
                                [](const Member& member) { return member.mounted; });
  return runs ? Condition::kRunning : Condition::kPreparing;
}

Listing describe(const std::string& name, int fd, const sys::Proc& proc) {
  Listing listing;
  listing.name = name;
  listing.kind = kind_of(name);
  listing.last_change_time = sys::stat_fd(fd, name).st_mtim.tv_sec;
  if (const auto state = read_state(fd)) {
    listing.container = state->container;
    listing.scratch = state->scratch;
    listing.kind = state->kind;
    listing.way = state->way;
    listing.way_reason = state->way_reason;
    listing.members = living_members(proc, *state);
    listing.condition = condition_of(proc, *state, listing.members);
    if (listing.condition == Condition::kRunning) listing.failure = helper_failure(proc, fd);
    if (!listing.failure.empty()) listing.condition = Condition::kBroken;
  }
  add_usage(fd, listing);
  return listing;
}

}  // namespace

std::string_view name(Condition condition) {
  switch (condition) {
    case Condition::kBroken:
      return "broken";
    case Condition::kPreparing:
      return "preparing";
    case Condition::kRunning:
      return "running";
    case Condition::kStopped:
      return "stopped";
    case Condition::kOver:
      return "over";
  }
  return "over";
}

std::vector<Listing> list_sessions(const Store& store, const sys::Proc& proc) {
  std::vector<std::string> names = store.names();
  std::sort(names.begin(), names.end());
  std::vector<Listing> listings;
  for (const std::string& name : names) {
    const auto fd = store.look(name);
    if (fd) listings.push_back(describe(name, fd->get(), proc));
  }
  return listings;
}

}  // namespace hookcore::session
