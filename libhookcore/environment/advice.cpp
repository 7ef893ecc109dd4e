#include "libhookcore/environment/advice.h"

#include "libhookcore/base/error.h"
#include "libhookcore/optin/request.h"

namespace hookcore::environment {

bool is_of_podman(const oci::ConfigView& config) { return optin::is_of_podman(config.annotations); }

bool is_of_a_pod(const oci::ConfigView& config) {
  // podman marks its pods as CRI-O does.
  if (is_of_podman(config)) return false;
  // containerd's CRI plugin and CRI-O, each with a prefix of its own that begins like this.
  constexpr std::string_view kCri = "io.kubernetes.cri";
  const auto first = config.annotations.lower_bound(kCri);
  if (first != config.annotations.end() && first->first.starts_with(kCri)) return true;
  return !optin::pod_uid(config.annotations).empty();  // all that NRI tells of it
}

std::string env_option(std::string_view name, std::string_view value) {
  return "--env " + std::string(name) + "=" + std::string(value);
}

std::string env_field(std::string_view name, std::string_view value) {
  return "env: [{name: " + std::string(name) + ", value: " + quote(value) + "}]";
}

std::string mount_source(const oci::ConfigView& config, std::string_view path) {
  if (is_of_a_pod(config)) {
    return "give the pod's container a volumeMount with mountPath: " + std::string(path);
  }
  return "mount the source there: -v \"$PWD:" + std::string(path) + "\"";
}

}  // namespace hookcore::environment
