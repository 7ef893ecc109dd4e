#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

/// A container's annotations: ours among them, and what engines write there of what they run.
namespace hookcore::optin {

using Annotations = std::map<std::string, std::string, std::less<>>;

inline constexpr std::string_view kPrefix = "io.cnb.hooks.";
inline constexpr std::string_view kRoleKey = "io.cnb.hooks.role";
inline constexpr std::string_view kSessionKey = "io.cnb.hooks.session";

/// containerd's CRI plugin gives these two (pkg/cri/annotations), and so does our NRI plugin where
/// NRI doesn't hand them on.
inline constexpr std::string_view kContainerNameKey = "io.kubernetes.cri.container-name";
/// The kubelet's label, which CRI-O hands on.
inline constexpr std::string_view kPodUidKey = "io.kubernetes.pod.uid";

/// Empty where there is none.
std::string_view value_of(const Annotations& annotations, std::string_view key);

/// A part of some annotations, which have to outlive it.
struct AnnotationRange {
  Annotations::const_iterator first;
  Annotations::const_iterator last;

  Annotations::const_iterator begin() const { return first; }
  Annotations::const_iterator end() const { return last; }
  bool empty() const { return first == last; }
};
/// Those whose key begins with kPrefix, known or not.
AnnotationRange ours(const Annotations& annotations);
/// Whether there is one: everything else is left alone at once.
bool mentions_us(const Annotations& annotations);
/// The first of ours on a container that has no role at all, not even one of another container of
/// its pod: somebody meant to opt in. Empty when there is none.
std::string_view key_without_role(const Annotations& annotations);

/// podman made the container, whether it is of a pod or not.
bool is_of_podman(const Annotations& annotations);
/// The engine may start this container again: podman without --rm says so.
bool is_restartable(const Annotations& annotations);
/// These are of a pod's sandbox, as containerd or CRI-O marks it: nobody's container.
bool is_sandbox(const Annotations& annotations);

/// containerd and CRI-O each write keys of their own, and CRI-O hands on whatever a pod has: one
/// that sets the other's keys would pass for another pod, or for a sandbox. Throws
/// Error(Code::kAnnotation) where there are keys of both beside one of ours.
void require_one_engine(const Annotations& annotations);

// Of a container that is made over the CRI, as containerd's plugin or CRI-O writes it; empty
// elsewhere. Views of the values.
/// What the pod calls the container.
std::string_view container_name(const Annotations& annotations);
std::string_view pod_uid(const Annotations& annotations);
std::string_view pod_namespace(const Annotations& annotations);
/// The id of the container that holds the pod's namespaces.
std::string_view sandbox_id(const Annotations& annotations);

}  // namespace hookcore::optin
