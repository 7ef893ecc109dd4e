#pragma once

#include <optional>
#include <string>

#include "libhookcore/session/identity.h"
#include "libhookcore/session/store.h"

namespace hookcore::hook {

/// A session while a hook prepares a container from it. Unless commit() is reached, the session is
/// as it was before: a new one is gone, an older one lacks this member.
class Claim {
 public:
  /// Takes the lock of the container's session. wanted has one member: the container's process.
  /// Throws Error(kSession) when a session of one container serves another living process, when a
  /// hook died while it prepared a container that still lives, and when a shared session can't be
  /// what this container asks for.
  Claim(session::Store& store, const sys::Proc& proc, const session::Identity& identity,
        session::SessionState wanted);
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim();

  /// The same process has been served before (prestart and createRuntime both configured).
  bool already_served() const { return served_; }
  /// There is an upper or a copy already, of the way that the state names: of this container's
  /// earlier run, or of the session's containers.
  bool is_restart() const { return restart_; }
  /// The session's directory has just been made.
  bool is_first() const { return session_.is_new(); }
  /// The boot in which a container of the session was last mounted.
  const std::string& old_boot_id() const { return old_boot_id_; }
  /// A process that has the session's workspace mounted now: it is to be shared.
  const std::optional<pid_t>& holder() const { return holder_; }
  /// Other containers of the session are running.
  bool has_company() const { return state_.members.size() > 1; }
  session::Session& session() { return session_; }
  /// What the session is going to be, this container with it.
  const session::SessionState& state() const { return state_; }
  session::SessionState& state() { return state_; }
  /// What a shared session was before; nullopt for a new one.
  const std::optional<session::SessionState>& before() const { return before_; }
  /// Before anything is made by this way: a hook that is killed leaves no content of one way under
  /// another's name.
  void note_way(Way way);
  void commit();

 private:
  void claim_own();
  void begin();
  void claim_shared();
  void require_same_wishes(const session::SessionState& shared) const;
  void join(session::SessionState shared);
  void check_members();
  void find_holder();
  void undo();

  session::Store& store_;
  const sys::Proc& proc_;
  session::Session session_;
  session::SessionState state_;
  std::optional<session::SessionState> before_;
  std::string old_boot_id_;
  std::optional<pid_t> holder_;
  bool served_ = false;
  bool restart_ = false;
  bool fresh_ = false;  ///< nobody has used the session before
  bool done_ = true;    ///< nothing to undo
};

}  // namespace hookcore::hook
