#include "libhookcore/daemon/silent_pods.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libhookcore/base/error.h"
#include "libhookcore/session/layout.h"

namespace hookcore::daemon {
namespace {

/// Where containerd keeps them, by the bundle of one; empty for what isn't containerd's.
std::string sandboxes_beside(const std::string& bundle) {
  const size_t state = bundle.find("/io.containerd.runtime.v2.task/k8s.io/");
  return state == bundle.npos ? ""
                              : bundle.substr(0, state) + "/io.containerd.grpc.v1.cri/sandboxes";
}

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }
bool is_gone(const std::string& path) { return !is_there(path) && errno == ENOENT; }

bool is_removed(const session::SessionState& session, const std::set<std::string>& sandboxes) {
  const std::string directory = sandboxes_beside(session.pod_bundle);
  return !directory.empty() && is_there(directory) &&
         std::all_of(sandboxes.begin(), sandboxes.end(),
                     [&](const std::string& id) { return is_gone(directory + "/" + id); });
}

}  // namespace

std::vector<std::string> find_removed_pods(const session::Store& store, const nri::Pods& pods,
                                           const std::set<std::string>& uids) {
  std::vector<std::string> found;
  for (const std::string& uid : uids) {
    const auto directory = store.look(std::string(session::kPodPrefix) + uid);
    const auto session = directory ? session::read_state(directory->get()) : std::nullopt;
    if (session && is_removed(*session, pods.sandboxes(uid))) found.push_back(uid);
  }
  return found;
}

}  // namespace hookcore::daemon
