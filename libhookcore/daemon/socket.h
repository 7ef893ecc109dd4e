#pragma once

#include <string>

#include "libhookcore/sys/fd.h"

namespace hookcore::daemon {

/// Connects to a Unix socket, non-blocking. Throws SystemError, for a path that doesn't fit an
/// address Error(kUsage).
sys::UniqueFd connect_unix(const std::string& path);
/// Listens, non-blocking, at "unix:PATH" (a socket that nobody listens at is replaced) or at
/// "127.0.0.1:PORT". Nothing else: numbers about pods are for this node. Throws Error(kUsage),
/// SystemError.
sys::UniqueFd listen_at(const std::string& address);
/// Whether the process at the other end counts pids as we do: else what sessions say of living
/// processes means nothing to us.
bool peer_shares_pids(int socket);

}  // namespace hookcore::daemon
