// Pods: runtime handlers, NRI and its plugin.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"
#include "libhookcore/doctor/checks.h"
#include "libhookcore/node/containerd_files.h"
#include "libhookcore/node/install.h"

namespace hookcore::doctor {
namespace {

using Json = nlohmann::json;

constexpr const char* kHandler = "runtime-handler";
constexpr const char* kNri = "nri";
constexpr const char* kNoPod = "no pod of this handler starts";
constexpr const char* kDefaultSocket = "/var/run/nri/nri.sock";
constexpr const char* kEnabledUnit =
    "/etc/systemd/system/multi-user.target.wants/oci-cnb-nri.service";

std::string name_in(const std::string& path) { return path.substr(path.rfind('/') + 1); }
bool is_ours(const std::string& path) { return name_in(path).starts_with("oci-cnb-"); }

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
    std::string names;
    bool all_well = true;
    for (const std::string& path : programs) {
      names += (names.empty() ? "" : ", ") + path;
      if (name_in(path) == "oci-cnb-guard") need_plugin_ = true;
      Finding program = check_program(machine_, path, kNoPod);
      if (program.status == Status::kOk) continue;
      all_well = false;
      program.mend = program.mend.starts_with("install") ? kInstall : program.mend;
      findings_.push_back(std::move(program));
    }
    if (all_well) findings_.push_back(ok(kHandler, what + " calls " + names));
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

Finding check_plugin(const Machine& machine, const std::string& socket) {
  const NriPlugin plugin = machine.find_nri_plugin();
  constexpr const char* kWhy =
      "pods get nothing of what they ask for, and a handler with oci-cnb-guard starts none";
  if (!plugin.runs) {
    return failure(kNri, "oci-cnb-nri doesn't run", kWhy,
                   "sudo systemctl enable --now oci-cnb-nri, or the DaemonSet: never both");
  }
  if (!plugin.connected) {
    return ok(kNri,
              "oci-cnb-nri runs; without --ready-file it can't be told whether it is "
              "connected");
  }
  if (!*plugin.connected) {
    return failure(kNri, "oci-cnb-nri runs, and isn't connected to " + socket, kWhy,
                   "journalctl -u oci-cnb-nri, or the log of the DaemonSet's pod, says why");
  }
  return ok(kNri, "oci-cnb-nri is connected to " + socket);
}

Findings check_nri(const Machine& machine, const node::FoundConfiguration& found, bool needed,
                   const Engine* containerd) {
  const std::string socket = found.nri_socket.empty() ? kDefaultSocket : found.nri_socket;
  const auto status = machine.files.stat(socket);
  if (status && (status->st_mode & S_IWOTH) != 0) {
    return {failure(kNri, socket + " is open to everybody",
                    "whoever can write to it controls every container of the node",
                    "chmod 0600 " + socket)};
  }
  if (!needed) return {};
  if (nri_is_off(found, containerd)) {
    return {failure(kNri, "NRI is off in containerd's configuration",
                    "oci-cnb-nri adjusts no container, and oci-cnb-guard refuses each",
                    "disable = false in [plugins.\"io.containerd.nri.v1.nri\"]; systemctl restart "
                    "containerd")};
  }
  if (!status) {
    return {failure(kNri, "there is no NRI socket " + socket,
                    "containerd doesn't run, or hasn't read its configuration: oci-cnb-nri can't "
                    "reach it",
                    "sudo systemctl restart containerd")};
  }
  return {check_plugin(machine, socket)};
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
  const bool needed = handlers.need_plugin() || machine.files.stat(kEnabledUnit).has_value();
  Findings findings = handlers.take_findings();
  for (Finding& one : check_nri(machine, *found, needed, containerd)) {
    findings.push_back(std::move(one));
  }
  return findings;
}

/// hooks_dir as CRI-O finds it: the last file that has it.
std::vector<std::string> crio_hooks(const Files& files) {
  std::vector<std::string> paths{"/etc/crio/crio.conf"};
  for (const std::string& name : files.list("/etc/crio/crio.conf.d")) {
    paths.push_back("/etc/crio/crio.conf.d/" + name);
  }
  std::vector<std::string> directories;
  for (const std::string& path : paths) {
    const toml::table table = parse_toml(files.read(path).value_or(""));
    const auto* list = table["crio"]["runtime"]["hooks_dir"].as_array();
    if (list == nullptr) continue;
    directories.clear();
    for (const auto& entry : *list) directories.push_back(entry.value_or(std::string()));
  }
  return directories;
}

Findings check_crio(const Machine& machine) {
  if (!machine.files.stat(node::kCrioConfig)) return {};
  constexpr const char* kMend = "sudo oci-cnb install crio; systemctl restart crio";
  try {
    const std::vector<std::string> directories = crio_hooks(machine.files);
    if (std::find(directories.begin(), directories.end(), node::kCrioHooks) == directories.end()) {
      return {failure(kHandler, std::string("CRI-O doesn't read ") + node::kCrioHooks,
                      "a later file has another hooks_dir: pods get nothing of what they ask for",
                      std::string("add that directory to the last hooks_dir in "
                                  "/etc/crio/crio.conf.d"))};
    }
  } catch (const TomlError& error) {
    return {failure(kHandler, "CRI-O's configuration is not TOML: " + error.what,
                    "CRI-O can't start", "correct line " + std::to_string(error.line))};
  }
  if (machine.files.list(node::kCrioHooks).empty()) {
    return {failure(kHandler, std::string(node::kCrioHooks) + " holds no file",
                    "pods get nothing of what they ask for", kMend)};
  }
  return {ok(kHandler, std::string("CRI-O reads ") + node::kCrioHooks)};
}

}  // namespace

Findings check_pods(const Machine& machine, const std::vector<Engine>& engines) {
  if (!machine.user.rootful) return {};
  const node::Host host(machine.root.empty() ? "/" : machine.root);
  Findings findings = check_containerd(machine, host, find(engines, "containerd"));
  for (Finding& one : check_crio(machine)) findings.push_back(std::move(one));
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
