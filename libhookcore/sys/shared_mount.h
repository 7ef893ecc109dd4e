#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/process.h"

/// Mounts that stand in the mount namespaces of other processes, and second mounts of them here.
namespace hookcore::sys {

/// By what a mount is found again, whoever has it: both are in its line of mountinfo
/// (proc_pid_mountinfo(5)). source is of our own making: letters, digits, "-".
struct MountTag {
  std::string type;
  std::string source;
};

/// A source that no other mount of the machine has: "cnb-" and 16 hexadecimal digits.
std::string make_mount_source();

/// Whether pid's mount namespace has the whole of such a mount.
bool has_mount(const Proc& proc, pid_t pid, const MountTag& tag);
/// Some process that has it: also one that nobody wrote down, such as the child of a killed
/// container without a pid namespace of its own. Reads the mounts of all processes.
std::optional<pid_t> find_mount_holder(const Proc& proc, const MountTag& tag);

/// A second mount of what pid has, attached nowhere, private, without what is mounted below it. For
/// a moment a child of ours enters pid's mount namespace, and its user namespace where we have no
/// power outside of it. writable: read-only is taken off. Throws Error(kSession) where the
/// namespaces are closed to us, or the mount isn't where it can be reached.
UniqueFd clone_mount_of(const Proc& proc, pid_t pid, const MountTag& tag, bool writable);

}  // namespace hookcore::sys
