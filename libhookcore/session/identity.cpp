#include "libhookcore/session/identity.h"

#include <algorithm>
#include <string_view>

#include "libhookcore/base/error.h"

namespace hookcore::session {
namespace {

using optin::Annotations;

// containerd's CRI plugin (pkg/cri/annotations), then CRI-O and the kubelet's labels.
constexpr std::string_view kNamespaceKeys[] = {"io.kubernetes.cri.sandbox-namespace",
                                               "io.kubernetes.pod.namespace"};
constexpr std::string_view kSandboxKeys[] = {"io.kubernetes.cri.sandbox-id",
                                             "io.kubernetes.cri-o.SandboxID"};
constexpr size_t kMaxPart = 64;

template <typename Keys>
std::string first_of(const Annotations& annotations, const Keys& keys) {
  for (const std::string_view key : keys) {
    const auto found = annotations.find(key);
    if (found != annotations.end()) return found->second;
  }
  return {};
}

std::string plain(const std::string& value, const char* what) {
  const bool good = !value.empty() && value.size() <= kMaxPart &&
                    std::all_of(value.begin(), value.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '-' || c == '_';
                    });
  if (good) return value;
  throw Error(Code::kState, std::string("not a pod's ") + what + ": " + quote(value),
              "annotations");
}

// The sandbox's bundle is the container's with the other id, in containerd and in CRI-O.
std::string sandbox_bundle(const Subject& subject) {
  const std::string sandbox = first_of(subject.annotations, kSandboxKeys);
  const size_t at = subject.bundle.rfind("/" + subject.container);
  if (sandbox.empty() || sandbox == subject.container || at == std::string::npos ||
      sandbox.find('/') != std::string::npos) {
    return {};
  }
  std::string bundle = subject.bundle;
  return bundle.replace(at + 1, subject.container.size(), sandbox);
}

}  // namespace

Identity identify(const Subject& subject) {
  const std::string uid = optin::pod_uid(subject.annotations);
  if (subject.asked) {
    if (uid.empty()) return {Kind::kNamed, "n-" + *subject.asked, {}};
    const std::string space = plain(first_of(subject.annotations, kNamespaceKeys), "namespace");
    return {Kind::kNamed, "k-" + space + "." + *subject.asked, {}};
  }
  if (uid.empty()) return {Kind::kContainer, Store::anonymous_name(subject.container), {}};
  return {Kind::kPod, std::string(kPodPrefix) + plain(uid, "uid"), sandbox_bundle(subject)};
}

}  // namespace hookcore::session
