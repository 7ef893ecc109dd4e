#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/session/store.h"

/// What people are told about the sessions that there are.
namespace hookcore::session {

enum class Condition {
  kPreparing,  ///< a hook is at work, for the first that uses it
  kRunning,    ///< a container, or a preview, uses it; hooks may be at work for others
  kBroken,     ///< likewise, but what kept its workspace going has ended
  kStopped,    ///< kept for a container that may be started again
  kOver,       ///< nobody can come back to it: the next collection takes it away
};
std::string_view name(Condition condition);

struct Listing {
  std::string name;
  Kind kind = Kind::kContainer;
  std::string container;        ///< empty: the state can't be read
  std::vector<Member> members;  ///< those that live; each with its container
  std::string scratch;          ///< "disk" or "tmpfs"; empty: the state can't be read
  Way way = Way::kOverlay;
  std::string way_reason;  ///< why not by a better way; see SessionState
  std::string failure;     ///< Condition::kBroken: what happened
  Condition condition = Condition::kOver;
  uint64_t bytes = 0;            ///< disk space of all that lies in its directory
  bool all_counted = true;       ///< false: directories of other users could not be looked into
  int64_t last_change_time = 0;  ///< seconds since 1970: when a container was last started or ended
};

/// All sessions, by name. Takes no lock: what is told may be past already.
std::vector<Listing> list_sessions(const Store& store, const sys::Proc& proc);

}  // namespace hookcore::session
