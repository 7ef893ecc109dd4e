#include "libhookcore/session/identity.h"

#include <algorithm>
#include <string_view>

#include "libhookcore/base/error.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/session/store.h"

namespace hookcore::session {
namespace {

constexpr size_t kMaxPart = 64;

std::string plain(std::string_view value, const char* what) {
  const bool good = !value.empty() && value.size() <= kMaxPart &&
                    std::all_of(value.begin(), value.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '-' || c == '_';
                    });
  if (good) return std::string(value);
  throw Error(Code::kState, std::string("not a pod's ") + what + ": " + quote(value),
              "annotations");
}

// The sandbox's bundle is the container's with the other id, in containerd and in CRI-O.
std::string sandbox_bundle(const Subject& subject) {
  const std::string_view sandbox = optin::sandbox_id(subject.annotations);
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
  const std::string_view uid = optin::pod_uid(subject.annotations);
  if (subject.asked) {
    if (uid.empty()) return {Kind::kNamed, std::string(kNamedPrefix) + *subject.asked, {}};
    const std::string space = plain(optin::pod_namespace(subject.annotations), "namespace");
    return {Kind::kNamed, std::string(kNamespacedPrefix) + space + "." + *subject.asked, {}};
  }
  if (uid.empty()) return {Kind::kContainer, Store::anonymous_name(subject.container), {}};
  return {Kind::kPod, std::string(kPodPrefix) + plain(uid, "uid"), sandbox_bundle(subject)};
}

}  // namespace hookcore::session
