#include <algorithm>
#include <vector>

#include "libhookcore/base/path.h"
#include "libhookcore/environment/advice.h"
#include "libhookcore/environment/phase.h"
#include "libhookcore/environment/verify.h"

namespace hookcore::environment {

namespace {

using optin::Role;

constexpr std::string_view kReserved = "CNB_";

std::string set_it(const oci::ConfigView& config, std::string_view name, std::string_view value) {
  return (is_of_a_pod(config) ? "give the pod's container " + env_field(name, value)
                              : "set it with " + env_option(name, value)) +
         ", or leave it to the default";
}

/// Names that stand in env more than once, each told once.
std::vector<std::string_view> repeated_names(const std::vector<std::string>& env) {
  std::vector<std::string_view> names;
  names.reserve(env.size());
  for (const std::string_view entry : env) names.push_back(entry.substr(0, entry.find('=')));
  std::sort(names.begin(), names.end());
  std::vector<std::string_view> repeated;
  for (size_t i = 1; i < names.size(); ++i) {
    if (names[i] == names[i - 1] && (repeated.empty() || repeated.back() != names[i])) {
      repeated.push_back(names[i]);
    }
  }
  return repeated;
}

void check_repeated(const oci::ConfigView& config, Findings& findings) {
  for (const std::string_view name : repeated_names(config.env)) {
    const bool reserved = name.starts_with(kReserved);
    findings.push_back({rules::kEnvDuplicate, reserved ? Severity::kError : Severity::kWarning,
                        quote(name) + " stands more than once in the environment",
                        "every variable once", "remove all but one of its settings"});
  }
}

void check_platform_api(const oci::ConfigView& config, const optin::Request& request,
                        Findings& findings) {
  const auto value = config.env_value("CNB_PLATFORM_API");
  if (!value) return;
  if (!optin::is_platform_api(*value)) {
    findings.push_back({rules::kEnvPlatformApi, Severity::kError,
                        "CNB_PLATFORM_API is " + quote(*value), "a version N.M, such as 0.12",
                        set_it(config, "CNB_PLATFORM_API", "0.12")});
  } else if (request.platform_api && *request.platform_api != *value) {
    findings.push_back({rules::kEnvPlatformApi, Severity::kWarning,
                        "CNB_PLATFORM_API is " + quote(*value) + " by image or user",
                        quote(*request.platform_api) + " as annotated",
                        set_it(config, "CNB_PLATFORM_API", *request.platform_api)});
  }
}

void check_experimental_mode(const oci::ConfigView& config, const optin::Request& request,
                             Findings& findings) {
  if (const auto value = config.env_value("CNB_EXPERIMENTAL_MODE")) {
    const bool known = optin::is_experimental_mode(*value);
    if (!known || *value == "silent") {
      findings.push_back({rules::kEnvExperimentalMode,
                          known ? Severity::kWarning : Severity::kError,
                          "CNB_EXPERIMENTAL_MODE is " + quote(*value),
                          known ? "quiet: lifecycles don't know the specification's \"silent\""
                                : "one of error, warn, quiet, silent",
                          set_it(config, "CNB_EXPERIMENTAL_MODE", known ? "quiet" : "warn")});
    }
  }
  const bool build_phase = request.role == Role::kBuild || request.role == Role::kDetect;
  if (request.experimental_mode && !build_phase) {
    findings.push_back(
        {rules::kEnvExperimentalMode, Severity::kWarning,
         "experimental-mode is annotated for the role " + std::string(optin::name(request.role)),
         "it with the roles build and detect only: nothing else reads it",
         "remove the annotation"});
  }
}

void check_app_dir(const oci::ConfigView& config, const optin::Request& request,
                   Findings& findings) {
  const auto value = config.env_value("CNB_APP_DIR");
  if (!value || request.role == Role::kLaunch) return;
  if (normalise_path(*value) == request.workspace_path) return;
  findings.push_back({rules::kEnvAppDir, Severity::kWarning, "CNB_APP_DIR is " + quote(*value),
                      quote(request.workspace_path),
                      set_it(config, "CNB_APP_DIR", request.workspace_path)});
}

/// Detectors and builders run buildpacks, which must not see the registry's credentials.
void check_registry_auth(const oci::ConfigView& config, const optin::Request& request,
                         Findings& findings) {
  if (!config.env_value("CNB_REGISTRY_AUTH")) return;
  const bool builder = lifecycle_phase(config.args) == "builder";
  const bool refused = request.role == Role::kDetect || (request.role == Role::kBuild && builder);
  if (!refused) return;
  findings.push_back({rules::kEnvRegistryAuth, Severity::kError, "CNB_REGISTRY_AUTH is set",
                      "it in the creator's and exporter's environment only",
                      "remove it from the container that runs buildpacks"});
}

// With an upper and /layers of its own, every phase ends well and the image lacks what the builder
// wrote: nobody would notice. Containers of a pod share without a name.
void check_session(const oci::ConfigView& config, const optin::Request& request,
                   Findings& findings) {
  const bool build_role = request.role == Role::kBuild || request.role == Role::kDetect;
  if (!build_role || request.session || !optin::pod_uid(config.annotations).empty()) return;
  const std::string_view phase = lifecycle_phase(config.args);
  if (!is_part_of_build(phase)) return;
  const bool hands_on =
      request.workspace != optin::WorkspaceMode::kOverlay && config.mount_at("/layers") != nullptr;
  if (hands_on) return;
  findings.push_back({rules::kBuildSession, Severity::kError,
                      "the lifecycle's " + std::string(phase) +
                          " has a workspace of its own, which the next phase doesn't see",
                      "one session for all containers of a build",
                      "give each of them --annotation " + std::string(optin::kSessionKey) +
                          "=NAME, or run the creator, which is a whole build",
                      Code::kSession});
}

}  // namespace

Findings verify_variables(const oci::ConfigView& config, const optin::Request& request) {
  Findings findings;
  check_repeated(config, findings);
  check_platform_api(config, request, findings);
  check_experimental_mode(config, request, findings);
  check_app_dir(config, request, findings);
  check_registry_auth(config, request, findings);
  check_session(config, request, findings);
  return findings;
}

}  // namespace hookcore::environment
