#include "libhookcore/environment/verify.h"

#include <iterator>

#include "libhookcore/base/path.h"
#include "libhookcore/environment/advice.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/environment/plan.h"

namespace hookcore::environment {

namespace {

/// podman's create flag, a pod's field, or the filter for bundles.
std::string fix(const oci::ConfigView& config, const std::string& flag, const std::string& field) {
  if (is_of_podman(config)) {
    return "add " + flag + ", or let podman read the precreate hook: `oci-cnb doctor` tells how";
  }
  if (is_of_a_pod(config)) return "give the pod's container " + field;
  return "run `oci-cnb spec apply` on the bundle, or add " + flag;
}

}  // namespace

Findings verify_process(const oci::ConfigView& config, const optin::Request& request,
                        const settings::Settings& settings) {
  if (!config.has_process) {
    return {{rules::kProcess, Severity::kError, "there is no process",
             "one with a cwd and an environment", "add a \"process\" to the document"}};
  }
  // verify_variables reports what the plan would refuse.
  optin::Request lenient = request;
  lenient.enforce = optin::Enforce::kWarn;
  const EnvironmentPlan plan = plan_environment(config, lenient, settings);
  Findings findings;
  if (plan.cwd) {
    findings.push_back({rules::kCwd, Severity::kError, "cwd is " + quote(config.cwd),
                        quote(*plan.cwd),
                        fix(config, "--workdir " + *plan.cwd, "workingDir: " + *plan.cwd)});
  }
  for (const std::string& entry : plan.env) {
    const size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    const std::string value = entry.substr(equals + 1);
    findings.push_back({rules::kEnvMissing, Severity::kError, name + " isn't set", entry,
                        fix(config, env_option(name, value), env_field(name, value))});
  }
  return findings;
}

Findings verify_masked_paths(const oci::ConfigView& config, const optin::Request& request) {
  Findings findings;
  const auto check = [&](const std::vector<std::string>& paths, Severity severity,
                         std::string_view what) {
    for (const std::string& path : paths) {
      for (const std::string_view directory :
           {std::string_view(request.workspace_path), std::string_view("/layers"),
            std::string_view("/cnb"), std::string_view("/platform")}) {
        if (!is_within(directory, normalise_path(path))) continue;
        findings.push_back({rules::kMaskedPath, severity,
                            quote(directory) + std::string(what) + quote(path),
                            "the directories of the environment as they were mounted",
                            "take the path out of linux.maskedPaths and linux.readonlyPaths"});
      }
    }
  };
  check(config.masked_paths, Severity::kError, " is masked by ");
  check(config.readonly_paths, Severity::kWarning, " is made read-only by ");
  return findings;
}

Findings verify_bundle(const oci::ConfigView& config, const optin::Request& request) {
  Findings findings;
  const std::string& workspace = request.workspace_path;
  const oci::Mount* source = config.mount_at(workspace);
  if (request.role != optin::Role::kLaunch && source == nullptr) {
    findings.push_back({rules::kWorkspaceMount, Severity::kError,
                        "nothing is mounted at " + quote(workspace),
                        "the source, as a bind mount or a volume",
                        mount_source(config, workspace) +
                            (is_of_a_pod(config) ? "" : ", or a bind in the bundle's mounts")});
  }
  const oci::Mount* above = source == nullptr ? nullptr : hidden_by(config, *source);
  if (above != nullptr) {
    findings.push_back(
        {rules::kMountOrder, Severity::kError,
         quote(workspace) + " is hidden by the later mount at " + quote(above->destination),
         "directories before what lies in them",
         "put the mount at " + above->normalised_destination + " first"});
  }
  const oci::Mount* layers = config.mount_at("/layers");
  if (request.role != optin::Role::kLaunch && layers != nullptr && layers->is_readonly()) {
    findings.push_back({rules::kLayersReadonly, Severity::kWarning, "\"/layers\" is read-only",
                        "a mount that buildpacks can write to", "mount it without ro"});
  }
  if (!has_mount_hook(config.hooks)) {
    findings.push_back({rules::kHooks, Severity::kWarning, "the document names no mount hook",
                        "oci-cnb-createruntime, here or in the engine's hooks.d",
                        "run `oci-cnb spec apply` on the bundle"});
  }
  return findings;
}

Findings verify(const oci::ConfigView& config, const optin::Request& request,
                const settings::Settings& settings) {
  Findings findings = verify_process(config, request, settings);
  for (Findings more : {verify_variables(config, request), verify_masked_paths(config, request),
                        verify_mounts(config)}) {
    std::move(more.begin(), more.end(), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace hookcore::environment
