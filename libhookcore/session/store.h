#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "libhookcore/base/way.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/process.h"
#include "libhookcore/sys/remove.h"
#include "libhookcore/sys/shared_mount.h"

/// Scratch on disk: who owns it, how long it lives, how it goes away (SPEC 6).
///
///   ROOT/                    0700, ours
///     log/                   hooks.log
///     upper-probed           what hook::UpperProbe has found out in this boot
///     ways-tried             what WayBook has
///     sessions/NAME/         one session: state.json, layers/, and upper/ and work/, or, where
///                            the workspace is a copy, copy/; see identity.h for NAME
///     spare/                 an empty session that the next new one begins with
///     trash/                 sessions on their way out: renamed here first, then removed
///
/// The directory sessions/NAME is its own lock (flock(2)).
namespace hookcore::session {

/// A process of a session, named for as long as the machine runs.
struct Member {
  pid_t pid = 0;
  uint64_t start_time = 0;     ///< clock ticks since boot
  bool mounted = false;        ///< false: a hook is at work for it, or died while it was
  std::string container = {};  ///< id that the engine gave; empty: the session's only one
  /// Inode of the pid namespace in which pid counts; 0 where that wasn't known. A process of
  /// another namespace than ours can't be looked at, and is taken for a living one.
  uint64_t pid_namespace = 0;
  bool operator==(const Member&) const = default;
};

enum class Kind {
  kContainer,  ///< of one container, gone when that is
  kNamed,      ///< named by an annotation: lives until it is removed, or has been idle for long
  kPod,        ///< of a pod, gone when that is
};

/// What the workspace was made of, for those who compare it later (`oci-cnb session diff`). Empty
/// path: nothing was written down, or the engine's mount is not the directory that config.json
/// names.
struct Origin {
  std::string path;  ///< of the source on the host, without links; bytes
  /// When the first upper was mounted: seconds and nanoseconds since 1970 of the coarse clock, by
  /// which file systems date changes. Whatever is dated later was changed meanwhile.
  int64_t seconds = 0;
  int64_t nanoseconds = 0;
  std::string asked_rules;  ///< the annotation ignore-file; empty: none
  std::string rules;        ///< the file of the rules; empty: the default policy
  bool user_xattr = false;  ///< overlayfs wrote user.* attributes, and no trusted.*
  /// {on disk, shown}: ids that an id-mapped lower exchanges.
  std::array<uint32_t, 2> uid_swap{};
  std::array<uint32_t, 2> gid_swap{};
  /// {the container's, the hooks', how many}: ids where the container has a user namespace of its
  /// own.
  std::vector<std::array<uint32_t, 3>> uids;
  std::vector<std::array<uint32_t, 3>> gids;
  bool operator==(const Origin&) const = default;
};

/// state.json, version 2. Version 1 had sessions of the first kind only. The last whole state in
/// the file holds: what a hook finds out about a new session it adds to what it has written before.
struct SessionState {
  Kind kind = Kind::kContainer;
  std::string container;  ///< id that the engine gave, of the last that was started
  std::string bundle;
  bool restartable = false;  ///< the engine may start this container again (podman without --rm)
  std::string boot_id;       ///< of the boot in which a container was last started
  /// The source's root directory, as the engine has mounted it; inode 0: not known yet.
  uint64_t source_device = 0;
  uint64_t source_inode = 0;
  std::string scratch;  ///< "disk", "tmpfs" or "none"
  Origin origin;
  /// How the workspace was made, once and for all of the session, and why not by a better way:
  /// empty for the first. With Way::kReflink and Way::kCopy it is the directory kCopyName.
  Way way = Way::kOverlay;
  std::string way_reason;
  std::vector<Member> members;
  // The rest is of sessions that containers share.
  std::string mount_source;  ///< by which its mounts are found, see sys::MountTag
  std::string pod_bundle;    ///< see Identity
};

class Store;

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

/// A pod's session is this and its uid.
inline constexpr std::string_view kPodPrefix = "p-";

/// Whether the engine says that it has no sandbox of the pod of this uid any more.
using IsPodRemoved = std::function<bool(std::string_view uid)>;

/// The place of all sessions of one user.
class Store {
 public:
  /// Opens, and makes where it is absent, the store at root (absolute host path). Every directory
  /// that is made has mode 0700; ROOT must be owned by us and writable by nobody else, or
  /// Error(kSession) names owner and mode.
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
  std::optional<Session> lock(const std::string& name, bool wait);
  bool make_session(const std::string& name);
  bool collect_one(const std::string& name, const sys::Proc& proc, uint64_t idle_seconds,
                   CollectResult& result);
  bool collect_removed_pod(const std::string& name, const sys::Proc& proc, CollectResult& result);
  void sweep_temporary_files(CollectResult& result);
  std::string to_trash(const Session& session);

  std::string root_;
  sys::UniqueFd root_fd_;
  sys::UniqueFd sessions_;
  sys::UniqueFd trash_;
};

/// Where a store is without configuration: /var/lib/oci-cnb-hooks for root,
/// HOME/.local/share/oci-cnb-hooks for a user, /var/tmp/oci-cnb-hooks-UID where there is no home.
std::string default_root(bool rootful, uid_t uid, const std::string& home);

/// By what the mounts of its workspace are found, in whatever process they stand. Copies have no
/// such mount.
sys::MountTag workspace_tag(const SessionState& state);

/// Whether a member is still running in this boot, or may be.
bool is_alive(const sys::Proc& proc, const SessionState& state, const Member& member);
bool has_living_member(const sys::Proc& proc, const SessionState& state);
/// Takes members away that are no more. true: there were some.
bool drop_dead_members(const sys::Proc& proc, SessionState& state);
/// Whether a mount of the session's upper still stands, although none of its members lives: in a
/// process that a killed container without a pid namespace of its own has left. Costly.
bool is_still_mounted(const sys::Proc& proc, const SessionState& state);
/// Nobody can come back to this session: no living member, and a container, or a pod, that is gone.
/// For a named session that can't be told.
bool is_over(const sys::Proc& proc, const SessionState& state);

/// state.json of a session's directory; nullopt where there is none, or none that can be read.
std::optional<SessionState> read_state(int session_fd);
std::string format_state(const SessionState& state);
/// The last one that format_state() has made, or the only one; nullopt for anything that isn't a
/// whole state of a known version.
std::optional<SessionState> parse_session_state(const std::string& text);

}  // namespace hookcore::session
