// hooks.d: JSON files, schema 1.0.0 (oci-hooks(5)).
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

using Json = nlohmann::json;

constexpr const char* kCheck = "hook-files";
constexpr const char* kReinstall = "install the package oci-cnb-hooks again";
constexpr const char* kOurKey = "io\\.cnb\\.hooks";
constexpr std::array<std::string_view, 7> kStages{
    "precreate",      "prestart",  "createRuntime", "createContainer",
    "startContainer", "poststart", "poststop"};
/// Read by buildah, CRI-O and others, who know no stage precreate.
constexpr std::array<const char*, 2> kShared{kSharedHooks, "/etc/containers/oci/hooks.d"};

/// One file of hooks.d, as far as looked at.
struct HookFile {
  std::string file;
  std::string program;
  std::vector<std::string> stages;
  bool has_environment = false;
  bool names_our_annotations = false;

  bool ours() const { return base_name(program).starts_with("oci-cnb-"); }
  bool in_stage(std::string_view stage) const {
    return std::find(stages.begin(), stages.end(), stage) != stages.end();
  }
};

/// Throws nlohmann::json::exception or Error for a file that engines refuse.
HookFile parse(const std::string& file, const std::string& text) {
  const Json json = Json::parse(text);
  HookFile hook;
  hook.file = file;
  if (json.at("version") != "1.0.0") {
    throw Error(Code::kConfig, "version " + quote(json.at("version").dump()) + " is not 1.0.0");
  }
  hook.program = json.at("hook").at("path");
  hook.stages = json.at("stages");
  hook.has_environment = !json.at("hook").value("env", Json::array()).empty();
  const Json& when = json.at("when");
  if (const auto annotations = when.find("annotations"); annotations != when.end()) {
    for (const auto& [key, value] : annotations->items()) {
      if (key.starts_with(std::string("^") + kOurKey)) hook.names_our_annotations = true;
    }
  }
  for (const std::string& stage : hook.stages) {
    if (std::find(kStages.begin(), kStages.end(), stage) == kStages.end()) {
      throw Error(Code::kConfig, "unknown stage " + quote(stage));
    }
  }
  return hook;
}

class HookFiles {
 public:
  explicit HookFiles(const Machine& machine) : machine_(machine) {}

  /// Looks at all files of one directory.
  void read(const std::string& directory, bool shared) {
    const std::string prefix = directory + "/";
    for (const std::string& name : machine_.files.list(directory)) {
      if (name.ends_with(".json")) read_file(prefix + name, shared);
    }
  }

  bool registered(std::string_view stage) const {
    return std::any_of(hooks_.begin(), hooks_.end(),
                       [&](const HookFile& hook) { return hook.ours() && hook.in_stage(stage); });
  }

  Findings take_findings() { return std::move(findings_); }

 private:
  void read_file(const std::string& path, bool shared) {
    HookFile hook;
    try {
      const auto text = machine_.files.read(path);
      if (!text) return;  // a link to nothing, or gone meanwhile
      hook = parse(path, *text);
    } catch (const std::exception& error) {
      add(failure(kCheck, quote(path) + ": " + quote(error.what()),
                  "podman starts no container at all while this file is there",
                  "correct it, or move it away"));
      return;
    }
    if (shared && hook.in_stage("precreate")) {
      add(failure(kCheck, quote(path) + " has the stage precreate in a directory that others share",
                  "buildah, podman build and CRI-O refuse to work while it is there",
                  "move it to a directory of podman's own, and name that in hooks_dir of a "
                  "/etc/containers/containers.conf.d/*.conf"));
    }
    check_program(hook);
    if (hook.ours()) check_ours(hook);
    hooks_.push_back(std::move(hook));
  }

  void check_program(const HookFile& hook) {
    if (machine_.files.stat(hook.program)) return;
    const std::string what =
        quote(hook.file) + " names " + quote(hook.program) + ", which is missing";
    const char* why = "engines run the container without it, and say nothing";
    if (hook.ours()) {
      add(failure(kCheck, what, why, kReinstall));
    } else {
      add(warning(kCheck, what, why, "install the program, or remove the file"));
    }
  }

  void check_ours(const HookFile& hook) {
    const auto status = machine_.files.stat(hook.file);
    const std::string others = status ? untrusted(machine_, *status) : "";
    if (!others.empty()) {
      add(failure(kCheck, hook.file + " " + others,
                  "whoever can change it decides what runs with the next container",
                  "chown root:root " + hook.file + "; chmod 0644 " + hook.file));
    }
    if (!hook.has_environment) {
      add(failure(kCheck, hook.file + " gives the hook no env",
                  "some runtimes then hand it the environment of the container (CVE-2025-23266)",
                  "add \"env\": [\"PATH=/usr/bin:/bin\"] to its \"hook\""));
    }
    if (!hook.names_our_annotations) {
      add(failure(kCheck, hook.file + " doesn't match the annotations io.cnb.hooks.*",
                  "a container that opts in starts without the hook",
                  "give its \"when\" \"annotations\": {\"^io\\\\.cnb\\\\.hooks\\\\..*$\": "
                  "\"(?s)^.*$\"}"));
    }
  }

  void add(Finding finding) { findings_.push_back(std::move(finding)); }

  const Machine& machine_;
  std::vector<HookFile> hooks_;
  Findings findings_;
};

/// file: what we install for a stage that podman doesn't call.
std::string mending(const Machine& machine, const PodmanConfig& config, const std::string& file) {
  const std::string added = "add the directory of " + file + " to hooks_dir";
  if (!config.decided_by.empty()) return added + " in " + config.decided_by;
  if (machine.environment.count("CONTAINERS_CONF") != 0)
    return "unset CONTAINERS_CONF, or " + added;
  return machine.user.rootful ? "oci-cnb install podman" : "oci-cnb install podman --user";
}

/// One finding for a stage in which podman has to call us. file: what we install for it.
Finding check_stage(const Machine& machine, const HookFiles& files, const PodmanConfig& config,
                    const std::string& stage, const std::string& file, const std::string& why) {
  if (files.registered(stage)) return ok(kCheck, "podman calls our hook in the stage " + stage);
  const std::string decided = config.decided_by.empty() ? "its default" : "by " + config.decided_by;
  return failure(kCheck,
                 "podman doesn't call our hook in the stage " + stage + ": it reads " +
                     listed(config.hook_directories) + " (" + decided + ")",
                 why, mending(machine, config, file));
}

Findings check_stages(const Machine& machine, const HookFiles& files, const PodmanConfig& config) {
  const bool only_prestart = files.registered("prestart") && !files.registered("createRuntime");
  return {
      check_stage(machine, files, config, "precreate", "90-oci-cnb-precreate.json",
                  "cwd and environment stay as they are, and the mount hook refuses the container"),
      check_stage(machine, files, config, only_prestart ? "prestart" : "createRuntime",
                  "90-oci-cnb-createruntime.json",
                  "a container that opts in starts with nothing of what it asked for"),
      check_stage(machine, files, config, "poststop", "90-oci-cnb-poststop.json",
                  "what a container wrote stays on disk until `oci-cnb session gc`")};
}

bool contains(const std::vector<std::string>& directories, std::string_view wanted) {
  return std::any_of(directories.begin(), directories.end(), [&](const std::string& directory) {
    return normalise_path(directory) == wanted;
  });
}

}  // namespace

Findings check_hook_files(const Machine& machine, const PodmanConfig& config, bool has_podman) {
  HookFiles read_by_podman(machine);
  for (const std::string& directory : config.hook_directories) {
    const bool shared =
        std::find(kShared.begin(), kShared.end(), normalise_path(directory)) != kShared.end();
    read_by_podman.read(directory, shared);
  }
  HookFiles read_by_others(machine);
  for (const char* directory : kShared) {
    if (!contains(config.hook_directories, directory)) read_by_others.read(directory, true);
  }
  Findings findings;
  if (has_podman) findings = check_stages(machine, read_by_podman, config);
  for (HookFiles* files : {&read_by_podman, &read_by_others}) {
    for (Finding& finding : files->take_findings()) findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace hookcore::doctor
