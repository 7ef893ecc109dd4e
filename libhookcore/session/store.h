#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/session/session.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/process.h"
#include "libhookcore/sys/remove.h"

/// Scratch on disk: who owns it, how long it lives, how it goes away (SPEC 6). Where what lies is
/// in layout.h.
namespace hookcore::session {

/// What is removed while somebody waits: entries of a file system. The rest is work for
/// Store::empty_trash_detached.
inline constexpr uint64_t kAtOnce = 256;

struct CollectResult {
  unsigned removed = 0;
  unsigned kept = 0;
  unsigned awaited = 0;     ///< of those kept: of pods that are removed, but not yet at their end
  bool unfinished = false;  ///< there is more in trash
  std::vector<std::string> problems;  ///< one line each: what could not be removed and why
  std::vector<std::string> reports;   ///< one line each: helpers that did not end as they should
};

/// Whether the engine says that it has no sandbox of the pod of this uid any more.
using IsPodRemoved = std::function<bool(std::string_view uid)>;

/// The place of all sessions of one user.
class Store {
 public:
  /// Opens, and makes where it is absent, the store at root (absolute host path). Every directory
  /// that is made has mode 0700; ROOT must be owned by us and writable by nobody else, or
  /// Error(kScratch) names owner and mode; one that can't be opened or made is Error(kScratch) too.
  static Store open(const std::string& root);
  /// The same for reading, nullopt when there is none yet.
  static std::optional<Store> open_existing(const std::string& root);

  const std::string& root() const { return root_; }
  int fd() const { return root_fd_.get(); }
  /// A directory for report::Log.
  sys::UniqueFd log_directory() const;
  /// What opens it later, from whatever mount namespace, and without this object.
  std::function<sys::UniqueFd()> log_directory_opener() const;

  /// Session of a container that names none.
  static std::string anonymous_name(const std::string& container_id);

  /// Opens or makes a session and waits for its lock.
  Session acquire(const std::string& name);
  /// Lays in an empty session with these directories and an empty state.json: the next container's
  /// start is spared the making of them. What fails here is made then.
  void keep_spare(std::initializer_list<const char*> directories);
  /// nullopt when there is none.
  std::optional<Session> find(const std::string& name);
  std::vector<std::string> names() const;
  /// A session's directory as it is, without its lock: for looking only. nullopt when there is
  /// none.
  std::optional<sys::UniqueFd> look(const std::string& name) const;
  /// A session's directory (O_PATH) as the mount namespace has it that we have entered: layers of
  /// an overlay must come from the one that makes it. Before a pivot that is the host's tree;
  /// another directory in its place is Error(kScratch).
  sys::UniqueFd reopen(const Session& session) const;

  /// Takes the session out of sight (rename into trash) and removes it, up to limit entries. False:
  /// the rest is in trash. A session with a living member is Error(kSession).
  bool remove(Session session, const sys::Proc& proc, uint64_t limit = sys::kNoLimit);

  /// Removes what nobody can come back to: sessions without a living member whose container or pod
  /// is gone, named ones that have been idle for longer than idle_seconds (0: never too long), and
  /// what is in trash, up to limit entries, or half written. Sessions locked by somebody are kept.
  /// Without an engine to ask, a pod's goes ten minutes after its sandbox was seen to be gone: it
  /// may get another one.
  CollectResult collect(const sys::Proc& proc, uint64_t idle_seconds = 0,
                        uint64_t limit = sys::kNoLimit, const IsPodRemoved& is_removed = {});

  /// Removes what is in trash, up to limit entries; each thing by one process at a time. Without a
  /// limit it waits for the others, with one it leaves to them what they are at.
  void empty_trash(CollectResult& result, uint64_t limit = sys::kNoLimit);
  /// The same by a process that nobody waits for (sys::run_detached). What ends it early leaves
  /// trash to whoever collects next.
  void empty_trash_detached(const std::function<void(const CollectResult&)>& then = {});

 private:
  explicit Store(std::string root) : root_(std::move(root)) {}
  std::string session_path(const std::string& name) const;
  std::string trash_path(const std::string& name) const;
  static bool is_named(int directory, const std::string& name, int fd);
  std::optional<Session> lock(const std::string& name, bool wait);
  bool make_session(const std::string& name);
  bool collect_one(const std::string& name, const sys::Proc& proc, uint64_t idle_seconds,
                   CollectResult& result);
  bool collect_removed_pod(const std::string& name, const sys::Proc& proc, CollectResult& result);
  void sweep_temporary_files(CollectResult& result);
  std::string to_trash(const Session& session);
  void discard(const Session& session, const sys::Proc& proc, CollectResult& result);

  std::string root_;
  sys::UniqueFd root_fd_;
  sys::UniqueFd sessions_;
  sys::UniqueFd trash_;
};

/// Where a store is without configuration: /var/lib/oci-cnb-hooks for root,
/// HOME/.local/share/oci-cnb-hooks for a user, /var/tmp/oci-cnb-hooks-UID where there is no home.
std::string default_root(bool rootful, uid_t uid, const std::string& home);

}  // namespace hookcore::session
