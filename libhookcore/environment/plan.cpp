#include "libhookcore/environment/plan.h"

#include <array>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/environment/verify.h"

namespace hookcore::environment {

namespace {

using optin::Request;
using settings::Settings;

std::string platform_api(const Request& request, const Settings& settings) {
  return request.platform_api.value_or(settings.platform_api);
}
std::string experimental_mode(const Request& request, const Settings& settings) {
  return request.experimental_mode.value_or(settings.experimental_mode);
}
std::string app_dir(const Request& request, const Settings&) { return request.workspace_path; }
std::string layers_dir(const Request&, const Settings&) { return "/layers"; }
std::string platform_dir(const Request&, const Settings&) { return "/platform"; }

/// A variable that is set where image and user set none.
struct Variable {
  std::string_view name;
  std::array<bool, 4> roles;  ///< dev, build, detect, launch
  std::string (*value)(const Request&, const Settings&);
};

/// SPEC 4. CNB_EXPERIMENTAL_MODE outside the build phases would leak into the application: the
/// launcher hands its environment on.
constexpr Variable kVariables[] = {
    {"CNB_PLATFORM_API", {true, true, true, true}, platform_api},
    {"CNB_EXPERIMENTAL_MODE", {false, true, true, false}, experimental_mode},
    {"CNB_APP_DIR", {true, true, true, false}, app_dir},
    {"CNB_LAYERS_DIR", {true, true, true, false}, layers_dir},
    {"CNB_PLATFORM_DIR", {true, true, true, false}, platform_dir},
};

void refuse_control_bytes(const std::string& text) {
  if (!has_control_bytes(text)) return;
  throw Error(Code::kEnvironment, "a control byte in " + quote(text), {},
              "use a value without line breaks and control characters");
}

}  // namespace

EnvironmentPlan plan_environment(const oci::ConfigView& config, const Request& request,
                                 const Settings& settings) {
  if (!config.has_process) {
    throw Error(Code::kConfig, "there is no process to give an environment to", "config.json",
                "add a \"process\" to the document");
  }
  EnvironmentPlan plan;
  for (const Finding& finding : verify_variables(config, request)) {
    const bool refused =
        finding.severity == Severity::kError && request.enforce == optin::Enforce::kStrict;
    if (refused) throw finding.error();
    plan.warnings.push_back(finding.line());
  }
  if (!request.keep_cwd && normalise_path(config.cwd) != request.workspace_path) {
    plan.cwd = request.workspace_path;
  }
  for (const Variable& variable : kVariables) {
    if (!variable.roles[static_cast<size_t>(request.role)]) continue;
    if (config.env_value(variable.name)) continue;
    plan.env.push_back(std::string(variable.name) + "=" + variable.value(request, settings));
  }
  return plan;
}

EnvironmentPlan plan_exec(const oci::ConfigView& container, const oci::ConfigView& process,
                          const Request& request) {
  EnvironmentPlan plan;
  const auto noted = container.annotations.find(kEngineCwd);
  const std::string engine_cwd =
      noted == container.annotations.end() ? "/" : normalise_path(noted->second);
  const std::string cwd = normalise_path(process.cwd);
  if (!request.keep_cwd && cwd == engine_cwd && cwd != request.workspace_path) {
    plan.cwd = request.workspace_path;
  }
  for (std::string& entry : role_variables(container, request.role)) {
    if (!process.env_value(entry.substr(0, entry.find('=')))) plan.env.push_back(std::move(entry));
  }
  return plan;
}

std::vector<std::string> role_variables(const oci::ConfigView& container, optin::Role role) {
  std::vector<std::string> entries;
  for (const Variable& variable : kVariables) {
    if (!variable.roles[static_cast<size_t>(role)]) continue;
    const auto value = container.env_value(variable.name);
    if (value) entries.push_back(std::string(variable.name) + "=" + std::string(*value));
  }
  return entries;
}

void apply_plan(oci::ConfigEditor& editor, const EnvironmentPlan& plan) {
  if (plan.cwd) {
    refuse_control_bytes(*plan.cwd);
    editor.set_cwd(*plan.cwd);
  }
  for (const std::string& entry : plan.env) {
    refuse_control_bytes(entry);
    editor.append_env(entry);
  }
  for (const auto& [key, value] : plan.annotations) {
    refuse_control_bytes(key + value);
    editor.set_annotation(key, value);
  }
}

}  // namespace hookcore::environment
