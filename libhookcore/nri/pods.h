#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "libhookcore/nri/nri.pb.h"

namespace hookcore::nri {

/// Which sandboxes the runtime has, by the uid of their pod. A pod whose sandbox has died is given
/// another one before the first is removed: it is gone when it has none.
class Pods {
 public:
  void clear() { sandboxes_.clear(); }
  void add(const proto::PodSandbox& pod);
  void remove(const proto::PodSandbox& pod);
  void forget(const std::string& uid) { sandboxes_.erase(uid); }
  bool has(std::string_view uid) const { return sandboxes_.contains(uid); }
  std::set<std::string> uids() const;
  /// The ids of a pod's.
  std::set<std::string> sandboxes(std::string_view uid) const;

 private:
  std::map<std::string, std::set<std::string>, std::less<>> sandboxes_;
};

}  // namespace hookcore::nri
