#pragma once

#include <string>

#include "libhookcore/session/store.h"

namespace hookcore::hook {

/// A session while a hook prepares a container from it. Unless commit() is reached, the session is
/// as it was before: a new one is gone, an older one (a restart) has no member.
class Claim {
 public:
  /// Takes the lock of the container's own session. Throws Error(kSession) when the session already
  /// serves another living process, or when a hook died while it prepared this one.
  Claim(session::Store& store, const sys::Proc& proc, session::SessionState wanted);
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim();

  /// The same process has been served before (prestart and createRuntime both configured).
  bool already_served() const { return served_; }
  /// The container is started again and finds its upper.
  bool is_restart() const { return restart_; }
  /// The boot in which a restarted container was last mounted.
  const std::string& old_boot_id() const { return old_boot_id_; }
  session::Session& session() { return session_; }
  /// What commit() will write.
  session::SessionState& state() { return state_; }
  void commit();

 private:
  void undo();

  session::Store& store_;
  const sys::Proc& proc_;
  session::Session session_;
  session::SessionState state_;
  std::string old_boot_id_;
  bool served_ = false;
  bool restart_ = false;
  bool done_ = false;
};

}  // namespace hookcore::hook
