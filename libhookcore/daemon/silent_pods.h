#pragma once

#include <set>
#include <string>
#include <vector>

#include "libhookcore/nri/pods.h"
#include "libhookcore/session/store.h"

namespace hookcore::daemon {

/// Those of uids whose sandboxes are removed, all that pods knows, as far as their sessions lead to
/// where that can be seen. For pods that were there before the runtime: containerd tells NRI of no
/// removal that it hasn't told the beginning of (internal/nri, needsRemoval; 1.7 to 2.1 at least).
/// It keeps a directory for each sandbox, from its start until it is removed.
std::vector<std::string> find_removed_pods(const session::Store& store, const nri::Pods& pods,
                                           const std::set<std::string>& uids);

}  // namespace hookcore::daemon
