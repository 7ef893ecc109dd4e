#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/base/way.h"

/// What a session's directory says of it: state.json.
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
/// "container", "named", "pod": in state files and --json.
std::string_view name(Kind kind);
std::optional<Kind> parse_kind(std::string_view text);

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
  std::string scratch;  ///< "disk" or "tmpfs"
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

/// state.json of a session's directory; nullopt where there is none, or none that can be read.
std::optional<SessionState> read_state(int session_fd);
std::string format_state(const SessionState& state);
/// The last one that format_state() has made, or the only one; nullopt for anything that isn't a
/// whole state of a known version.
std::optional<SessionState> parse_session_state(const std::string& text);

}  // namespace hookcore::session
