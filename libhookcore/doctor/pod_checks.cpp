// Pods: runtime handlers, NRI and its plugin.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/doctor/checks.h"
#include "libhookcore/doctor/nri.h"
#include "libhookcore/node/containerd_files.h"
#include "libhookcore/node/crio_config.h"
#include "libhookcore/node/install.h"

namespace hookcore::doctor {
namespace {

using Json = nlohmann::json;

constexpr const char* kHandler = "runtime-handler";
constexpr const char* kNoPod = "no pod of this handler starts";
constexpr const char* kEnabledUnit =
    "/etc/systemd/system/multi-user.target.wants/oci-cnb-nri.service";

bool is_ours(const std::string& path) { return base_name(path).starts_with("oci-cnb-"); }

/// Where hooks of a document lead: paths of programs of ours.
std::vector<std::string> programs_in(const Json& document) {
  std::vector<std::string> programs;
  const Json stages = document.value("hooks", Json::object());
  for (const auto& [stage, hooks] : stages.items()) {
    for (const Json& hook : hooks) {
      const std::string path = hook.at("path");
      if (is_ours(path)) programs.push_back(path);
    }
  }
  return programs;
}

/// The handlers of ours, and whether one of them needs the plugin.
class Handlers {
 public:
  explicit Handlers(const Machine& machine) : machine_(machine) {}

  void look_at(const node::FoundHandler& handler) {
    if (is_ours(handler.binary)) look_at_wrapper(handler);
    if (!handler.base_spec.empty()) look_at_base_spec(handler);
  }
  bool need_plugin() const { return need_plugin_; }
  Findings take_findings() { return std::move(findings_); }

 private:
  void look_at_base_spec(const node::FoundHandler& handler) {
    const std::string what = "handler " + quote(handler.name);
    const bool by_place = handler.base_spec.starts_with(node::kPrefix);
    std::vector<std::string> programs;
    try {
      const auto text = machine_.files.read(handler.base_spec);
      if (!text) {
        if (by_place) fail(what + " names " + quote(handler.base_spec) + ", which is missing");
        return;
      }
      programs = programs_in(Json::parse(*text));
    } catch (const std::exception& error) {
      fail(what + ": " + quote(handler.base_spec) + ": " + quote(error.what()));
      return;
    }
    if (programs.empty() && by_place) {
      fail(what + ": " + quote(handler.base_spec) + " calls none of our hooks");
    }
    if (programs.empty()) return;  // somebody else's
    look_at_programs(what, programs);
  }

  void look_at_programs(const std::string& what, const std::vector<std::string>& programs) {
    bool all_well = true;
    for (const std::string& path : programs) {
      if (base_name(path) == "oci-cnb-guard") need_plugin_ = true;
      Finding program = check_program(machine_, path, kNoPod);
      if (program.status == Status::kOk) continue;
      all_well = false;
      program.mend = program.mend.starts_with("install") ? kInstall : program.mend;
      findings_.push_back(std::move(program));
    }
    if (all_well) findings_.push_back(ok(kHandler, what + " calls " + listed(programs)));
  }

  // oci-cnb-runtime, which has to be told by annotations.
  void look_at_wrapper(const node::FoundHandler& handler) {
    const std::string what = "handler " + quote(handler.name);
    Finding program = check_program(machine_, handler.binary, kNoPod);
    if (program.status != Status::kOk) return findings_.push_back(std::move(program));
    const auto reaches = [](const std::string& pattern) {
      return pattern == "*" || pattern.starts_with("io.cnb.hooks") || pattern == "io.cnb.*";
    };
    if (std::none_of(handler.pod_annotations.begin(), handler.pod_annotations.end(), reaches)) {
      findings_.push_back(failure(
          kHandler, what + " has no pod_annotations of io.cnb.hooks.*",
          "containerd keeps a pod's annotations to itself, so the pod starts with nothing of what "
          "it asked for",
          "pod_annotations = [\"io.cnb.hooks.*\", \"io.cnb.hooks.*/*\"] in its table; systemctl "
          "restart containerd"));
      return;
    }
    findings_.push_back(ok(kHandler, what + " is " + handler.binary));
  }

  void fail(const std::string& what) {
    findings_.push_back(failure(kHandler, what, kNoPod, kInstall));
  }

  static constexpr const char* kInstall =
      "sudo oci-cnb install containerd; systemctl restart containerd";

  const Machine& machine_;
  Findings findings_;
  bool need_plugin_ = false;
};

// Off in 1.7, on since 2.0, not there before.
bool nri_is_off(const node::FoundConfiguration& found, const Engine* containerd) {
  if (found.nri_disabled) return *found.nri_disabled;
  return containerd != nullptr && containerd->major == 1;
}

Findings check_containerd(const Machine& machine, const node::Host& host,
                          const Engine* containerd) {
  std::optional<node::FoundConfiguration> found;
  try {
    found = node::read_containerd(host);
  } catch (const Error& error) {
    return {warning(kHandler, std::string(error.what()) + "; " + error.where(),
                    "whether containerd has a handler of ours can't be told",
                    error.remedy().empty() ? "containerd config dump" : error.remedy())};
  }
  if (!found) return {};
  Handlers handlers(machine);
  for (const node::FoundHandler& handler : found->handlers) handlers.look_at(handler);
  // An enabled plugin may be CRI-O's.
  const bool enabled =
      machine.files.stat(kEnabledUnit).has_value() && !machine.files.stat(node::kCrioConfig);
  const bool needed = handlers.need_plugin() || enabled;
  Findings findings = handlers.take_findings();
  const NriOf nri{"containerd",
                  needed,
                  nri_is_off(*found, containerd),
                  found->nri_socket,
                  "disable = false in [plugins.\"io.containerd.nri.v1.nri\"]",
                  "systemctl restart containerd"};
  for (Finding& one : check_nri(machine, nri)) findings.push_back(std::move(one));
  return findings;
}

}  // namespace

Findings check_pods(const Machine& machine, const std::vector<Engine>& engines) {
  if (!machine.user.rootful) return {};
  const node::Host host(machine.root.empty() ? "/" : machine.root);
  Findings findings = check_containerd(machine, host, find(engines, "containerd"));
  for (Finding& one : check_crio(machine, find(engines, "crio")))
    findings.push_back(std::move(one));
  return findings;
}

Findings check_docker(const Machine& machine) {
  constexpr const char* kCheck = "docker";
  constexpr const char* kFile = "/etc/docker/daemon.json";
  const auto text = machine.files.read(kFile);
  if (!text) return {};
  Findings findings;
  try {
    const Json runtimes = Json::parse(*text).value("runtimes", Json::object());
    for (const auto& [name, runtime] : runtimes.items()) {
      const std::string path = runtime.value("path", std::string());
      if (!is_ours(path)) continue;
      Finding program = check_program(machine, path, "docker run --runtime starts no container");
      const bool well = program.status == Status::kOk;
      findings.push_back(well ? ok(kCheck, "--runtime " + quote(name) + " is " + path) : program);
    }
  } catch (const Json::exception& error) {
    return {failure(kCheck, std::string(kFile) + ": " + quote(error.what()), "dockerd can't start",
                    std::string("correct ") + kFile)};
  }
  return findings;
}

}  // namespace hookcore::doctor
