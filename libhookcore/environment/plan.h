#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libhookcore/oci/config.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/settings/settings.h"

/// The config door: what a role does to config.json before the runtime reads it (SPEC 4).
namespace hookcore::environment {

/// What changes. Empty when the document already is as it must be: planning is idempotent.
struct EnvironmentPlan {
  std::optional<std::string> cwd;
  std::vector<std::string> env;  ///< "NAME=value", to be appended
  std::vector<std::pair<std::string, std::string>> annotations;
  std::vector<std::string> warnings;  ///< one line each, for the log

  bool empty() const { return !cwd && env.empty() && annotations.empty(); }
};

/// One function for every door (precreate, spec apply, NRI, the runtime wrapper). Pure. Values that
/// image or user set are kept and checked. Throws Error(Code::kEnvironment) for those that no
/// process may have: a bad CNB_PLATFORM_API or CNB_EXPERIMENTAL_MODE, a CNB_* name that stands
/// twice, CNB_REGISTRY_AUTH in detect or before the lifecycle's builder; Error(Code::kConfig) for a
/// document without process.
EnvironmentPlan plan_environment(const oci::ConfigView& config, const optin::Request& request,
                                 const settings::Settings& settings);

/// The document with the plan's changes; every other byte as it was.
std::string apply_plan(std::string text, const EnvironmentPlan& plan,
                       std::string_view where = "config.json");

}  // namespace hookcore::environment
