#pragma once

#include <vector>

#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/process.h"

/// Namespaces of our own (unshare(2)), in which something can be mounted that nobody else sees.
namespace hookcore::sys {

/// A mount namespace that neither shows the host what happens in it nor hears of the host's mounts.
/// Needs CAP_SYS_ADMIN. Throws SystemError.
void unshare_mounts();

/// For a plain user: the same, below a user namespace in which only our own uid and gid exist, as
/// themselves. We have all capabilities in it; what we execute has none (unless we are uid 0). The
/// process must have one thread. Throws Error(kSystem) that names what the machine forbids.
void unshare_user_and_mounts(const Proc& proc);

/// The same with our ids as root's: what we execute keeps all capabilities, as what a plain user's
/// engine executes does.
void unshare_as_root(const Proc& proc);

/// A user namespace without maps yet: somebody else writes them (newuidmap(1)), and then we become
/// its root. Throws Error(kSystem) as above.
void unshare_user();
void become_root_inside();

/// The ids that our user namespace knows, each as itself: a map for a namespace below.
struct IdMaps {
  std::vector<IdRange> uids;
  std::vector<IdRange> gids;
};
IdMaps identity_maps(const Proc& proc);

/// Enters a user namespace (of make_id_namespace) and a mount namespace below it. All mounts that
/// stood before are locked there: nobody can take one away, or make one writable, and get at what
/// lies behind (mount_namespaces(7)). Calls nothing that isn't async-signal-safe. -errno on
/// failure.
int confine(int user_namespace_fd);

}  // namespace hookcore::sys
