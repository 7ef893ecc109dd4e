#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libhookcore/oci/config.h"
#include "libhookcore/oci/edit.h"
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
/// image or user set are kept and checked: with enforce=strict, throws an Error
/// of the code of the first finding of verify_variables, with enforce=warn it becomes a warning.
/// Throws Error(Code::kConfig) for a document without process.
EnvironmentPlan plan_environment(const oci::ConfigView& config, const optin::Request& request,
                                 const settings::Settings& settings);

/// The same for a process that is started later in a container that has opted in: `exec` hands the
/// runtime an environment of its own. container: its config.json as the runtime read it, whose
/// values count; process: the view of exec's document, whose own values are kept. The working
/// directory is set where exec's is the one that the engine gave the container (kEngineCwd).
EnvironmentPlan plan_exec(const oci::ConfigView& container, const oci::ConfigView& process,
                          const optin::Request& request);

/// The annotation in which a door that also sees `exec` notes the working directory that the engine
/// had chosen; absent for "/".
inline constexpr std::string_view kEngineCwd = "io.cnb.engine-cwd";

/// The variables of the role that the container has, as "NAME=value".
std::vector<std::string> role_variables(const oci::ConfigView& container, optin::Role role);

/// Makes the plan's changes. Throws Error(Code::kEnvironment) for a control byte in one.
void apply_plan(oci::ConfigEditor& editor, const EnvironmentPlan& plan);

}  // namespace hookcore::environment
