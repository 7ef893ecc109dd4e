#include "libhookcore/nri/pods.h"

namespace hookcore::nri {

void Pods::add(const proto::PodSandbox& pod) {
  if (!pod.uid().empty()) sandboxes_[pod.uid()].insert(pod.id());
}

void Pods::remove(const proto::PodSandbox& pod) {
  const auto found = sandboxes_.find(pod.uid());
  if (found == sandboxes_.end()) return;
  found->second.erase(pod.id());
  if (found->second.empty()) sandboxes_.erase(found);
}

std::set<std::string> Pods::uids() const {
  std::set<std::string> all;
  for (const auto& [uid, sandboxes] : sandboxes_) all.insert(uid);
  return all;
}

std::set<std::string> Pods::sandboxes(std::string_view uid) const {
  const auto found = sandboxes_.find(uid);
  return found == sandboxes_.end() ? std::set<std::string>() : found->second;
}

}  // namespace hookcore::nri
