#pragma once

#include <optional>
#include <string>
#include <vector>

/// What this kernel lets us do, found out by doing it.
namespace hookcore::sys {

/// The calls that the mount hook would like to make and this kernel, or a seccomp filter, answers
/// with ENOSYS: of openat2, fsopen, fsconfig, fsmount, open_tree, move_mount and mount_setattr.
std::vector<std::string> missing_calls();

/// Makes an overlay with a mask layer as the mount hook does, in a child with a mount namespace of
/// its own (and a user namespace, if asked), and works in it: a masked name must be absent and can
/// be made again, a lower file can be deleted. Returns what failed; nullopt: all of it works.
/// Nothing of it outlives the call. Call it while the process has one thread.
std::optional<std::string> probe_overlay(bool in_user_namespace);

/// renameat2(2) with RENAME_WHITEOUT; 0 or -errno, where ENOSYS says nothing of the file system.
int rename_leaving_whiteout(int dirfd, const std::string& from, const std::string& to);

}  // namespace hookcore::sys
