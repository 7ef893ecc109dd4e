#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/optin/request.h"

/// Opting in where an engine hands no annotation on: OCI_CNB_ROLE=dev in the container's
/// environment, and OCI_CNB_NAME for each of the other annotations ("-" becomes "_").
namespace hookcore::optin {

inline constexpr std::string_view kVariablePrefix = "OCI_CNB_";
inline constexpr std::string_view kRoleVariable = "OCI_CNB_ROLE";

/// The annotations that env stands for. nullopt without a role (an empty one is none: so a user
/// overrides what an image set). Throws Error(Code::kAnnotation) for an unknown OCI_CNB_* variable
/// beside a role, naming the nearest valid one, and for one that stands twice.
std::optional<Annotations> annotations_of_environment(const std::vector<std::string>& env);

/// Whether "NAME=value" is one of these variables.
bool is_variable(std::string_view entry);

}  // namespace hookcore::optin
