#include "libhookcore/optin/annotations.h"

#include <algorithm>
#include <array>

#include "libhookcore/base/error.h"

namespace hookcore::optin {

std::string_view value_of(const Annotations& annotations, std::string_view key) {
  const auto found = annotations.find(key);
  return found == annotations.end() ? std::string_view() : std::string_view(found->second);
}

namespace {

// containerd's CRI plugin (pkg/cri/annotations), then CRI-O and the kubelet's labels.
using Keys = std::array<std::string_view, 2>;
constexpr Keys kContainerName = {kContainerNameKey, "io.kubernetes.container.name"};
constexpr Keys kPodUid = {"io.kubernetes.cri.sandbox-uid", kPodUidKey};
constexpr Keys kPodNamespace = {"io.kubernetes.cri.sandbox-namespace",
                                "io.kubernetes.pod.namespace"};
constexpr Keys kSandboxId = {"io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"};
// containerd sets its key after all that a pod brings, so where it stands it counts alone.
constexpr Keys kContainerType = {"io.kubernetes.cri.container-type",
                                 "io.kubernetes.cri-o.ContainerType"};

std::string_view first_of(const Annotations& annotations, const Keys& keys) {
  return value_of(annotations, annotations.contains(keys[0]) ? keys[0] : keys[1]);
}

}  // namespace

AnnotationRange ours(const Annotations& annotations) {
  const auto first = annotations.lower_bound(kPrefix);
  const auto last = std::find_if_not(first, annotations.end(), [](const auto& annotation) {
    return annotation.first.starts_with(kPrefix);
  });
  return {first, last};
}

bool mentions_us(const Annotations& annotations) { return !ours(annotations).empty(); }

std::string_view key_without_role(const Annotations& annotations) {
  const AnnotationRange all = ours(annotations);
  const bool has_role = std::any_of(all.begin(), all.end(), [](const auto& annotation) {
    return annotation.first.starts_with(kRoleKey);
  });
  if (all.empty() || has_role || is_sandbox(annotations)) return {};
  return all.first->first;
}

bool is_of_podman(const Annotations& annotations) {
  return value_of(annotations, "io.container.manager") == "libpod";
}

bool is_restartable(const Annotations& annotations) {
  return is_of_podman(annotations) &&
         value_of(annotations, "io.podman.annotations.autoremove") != "TRUE";
}

bool is_sandbox(const Annotations& annotations) {
  const std::string_view first = value_of(annotations, kContainerType[0]);
  return (first.empty() ? value_of(annotations, kContainerType[1]) : first) == "sandbox";
}

void require_one_engine(const Annotations& annotations) {
  const auto is_there = [&](std::string_view key) { return annotations.contains(key); };
  // What is believed of containerd, and what CRI-O always writes.
  const std::array containerd = {kContainerType[0], kContainerName[0], kSandboxId[0], kPodUid[0],
                                 kPodNamespace[0]};
  const std::array crio = {kContainerType[1], kSandboxId[1]};
  const auto* one = std::find_if(containerd.begin(), containerd.end(), is_there);
  const auto* other = std::find_if(crio.begin(), crio.end(), is_there);
  if (one == containerd.end() || other == crio.end() || !mentions_us(annotations)) return;
  throw Error(Code::kAnnotation,
              "annotations of two engines, " + quote(*one) + " and " + quote(*other), {},
              "the pod sets one of them itself: remove it there");
}

std::string_view container_name(const Annotations& annotations) {
  return first_of(annotations, kContainerName);
}
std::string_view pod_uid(const Annotations& annotations) { return first_of(annotations, kPodUid); }
std::string_view pod_namespace(const Annotations& annotations) {
  return first_of(annotations, kPodNamespace);
}
std::string_view sandbox_id(const Annotations& annotations) {
  return first_of(annotations, kSandboxId);
}

}  // namespace hookcore::optin
