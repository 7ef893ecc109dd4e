#pragma once

#include <optional>
#include <string>

#include "libhookcore/session/state.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::session {

class Store;

/// state.json for a session's first state, made empty where it is absent: descriptor for writing,
/// or -errno.
int make_state_file(int session_fd);

/// One session directory, locked while this object lives.
class Session {
 public:
  Session(Session&&) = default;
  Session& operator=(Session&&) = default;

  const std::string& name() const { return name_; }
  int fd() const { return fd_.get(); }
  /// The directory was made by this object's opening.
  bool is_new() const { return is_new_; }
  /// nullopt for a new session, and for one whose state can't be read (a crash of the machine).
  const std::optional<SessionState>& state() const { return state_; }
  /// Containers have written here, or been given a copy. An upper that is still empty is nothing: a
  /// way that was refused after all has made one.
  bool has_content() const;
  /// Atomic against kill, and for those who read without the lock. The state of a session that
  /// outlives its containers also survives a power cut; of the others nothing is needed then.
  void write_state(SessionState state);

 private:
  friend class Store;
  Session(std::string name, sys::UniqueFd fd, bool is_new);
  void put_state(const SessionState& state);
  bool add_state(const std::string& text);

  std::string name_;
  sys::UniqueFd fd_;
  bool is_new_;
  sys::UniqueFd state_file_;  ///< that this object has made, and nobody replaced
  std::optional<SessionState> state_;
};

}  // namespace hookcore::session
