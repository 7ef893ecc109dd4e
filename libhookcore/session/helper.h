#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "libhookcore/session/state.h"
#include "libhookcore/sys/process.h"

/// The process that keeps a session's workspace going where that isn't the kernel's work
/// (Way::kFuse): helper.json in the session's directory, while it runs. The mount hook writes it,
/// the helper takes it away at its end. So one that is left behind tells of a helper that was
/// killed.
namespace hookcore::session {

struct Helper {
  pid_t pid = 0;
  uint64_t start_time = 0;  ///< clock ticks since boot
  std::string boot_id;
  std::string failure;  ///< why the workspace is gone while containers run; empty: it isn't
  bool operator==(const Helper&) const = default;
};

/// nullopt: none has run, the last has ended as it should, or nobody can read what it left.
std::optional<Helper> read_helper(int session_fd);
void write_helper(int session_fd, const Helper& helper);
void forget_helper(int session_fd);

bool is_running(const sys::Proc& proc, const Helper& helper);
/// What is wrong with the workspace of a session that has living members; empty: nothing.
std::string helper_failure(const sys::Proc& proc, int session_fd);
/// For a session that nobody has mounted any more: waits for its helper, which ends with the last
/// mount, and ends it when it doesn't. Returns what there is to report; empty: nothing.
std::string end_helper(const sys::Proc& proc, const SessionState& state, int session_fd);

}  // namespace hookcore::session
