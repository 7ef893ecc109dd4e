#include "libhookcore/doctor/podman_config.h"

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kCheck = "podman-config";
constexpr unsigned kRootReadsHome = 5;
constexpr unsigned kOverride = 5;

void add_with_drop_ins(const Files& files, const std::string& path, std::vector<std::string>& out) {
  out.push_back(path);
  const std::string directory = path + ".d/";
  for (const std::string& name : files.list(directory)) {
    if (name.ends_with(".conf")) out.push_back(directory + name);
  }
}

std::string variable(const Machine& machine, const char* name) {
  const auto found = machine.environment.find(name);
  return found == machine.environment.end() ? std::string() : found->second;
}

std::string user_directory(const Machine& machine) {
  std::string configured = variable(machine, "XDG_CONFIG_HOME");
  if (!configured.empty()) return configured;
  return machine.home.empty() ? std::string() : machine.home + "/.config";
}

std::vector<std::string> files_of_machine(const Machine& machine, unsigned podman_major) {
  std::vector<std::string> paths = {"/usr/share/containers/containers.conf"};
  add_with_drop_ins(machine.files, "/etc/containers/containers.conf", paths);
  const bool reads_home = !machine.user.rootful || podman_major >= kRootReadsHome;
  const std::string directory = user_directory(machine);
  if (reads_home && !directory.empty()) {
    add_with_drop_ins(machine.files, directory + "/containers/containers.conf", paths);
  }
  return paths;
}

std::vector<std::string> chain(const Machine& machine, unsigned podman_major) {
  std::vector<std::string> paths;
  const std::string only = variable(machine, "CONTAINERS_CONF");
  if (only.empty()) {
    paths = files_of_machine(machine, podman_major);
  } else {
    paths.push_back(only);
  }
  const std::string last = variable(machine, "CONTAINERS_CONF_OVERRIDE");
  if (!last.empty() && podman_major >= kOverride) paths.push_back(last);
  return paths;
}

// What is true of this shell isn't of a service.
void tell_of_variables(const Machine& machine, PodmanConfig& config) {
  for (const char* name : {"CONTAINERS_CONF", "CONTAINERS_CONF_OVERRIDE"}) {
    const std::string path = variable(machine, name);
    if (path.empty()) continue;
    if (!machine.files.stat(path)) {
      config.findings.push_back(failure(
          kCheck, std::string(name) + " names " + quote(path) + ", which is missing",
          "podman started from here may refuse to run anything", std::string("unset ") + name));
      continue;
    }
    config.findings.push_back(warning(
        kCheck, std::string(name) + "=" + quote(path) + " decides what podman reads",
        "services, other shells and other users read other files",
        std::string("unset ") + name + "; `oci-cnb doctor` then tells of podman as they start it"));
  }
}

// Since podman 5 a table {append=true} among the strings keeps what came before.
void take_hooks_dir(const toml::array& list, const std::string& path, PodmanConfig& config) {
  std::vector<std::string> directories;
  bool append = false;
  for (const toml::node& node : list) {
    if (const auto* text = node.as_string()) directories.push_back(text->get());
    if (const auto* table = node.as_table()) append = (*table)["append"].value_or(false);
  }
  if (!append) config.hook_directories.clear();
  config.hook_directories.insert(config.hook_directories.end(), directories.begin(),
                                 directories.end());
  config.decided_by = path;
}

void merge(const std::string& text, const std::string& path, PodmanConfig& config) {
  try {
    const toml::table table = parse_toml(text);
    const auto* list = table["engine"]["hooks_dir"].as_array();
    if (list != nullptr) take_hooks_dir(*list, path, config);
  } catch (const TomlError& error) {
    const std::string place = path + ":" + std::to_string(error.line);
    config.findings.push_back(failure(kCheck, place + ": not TOML: " + error.what,
                                      "podman refuses to run any container", "correct " + place));
  }
}

}  // namespace

PodmanConfig read_podman_config(const Machine& machine, unsigned podman_major,
                                const std::string& without) {
  PodmanConfig config;
  tell_of_variables(machine, config);
  for (const std::string& path : chain(machine, podman_major)) {
    if (path == without) continue;
    try {
      const auto text = machine.files.read(path);
      if (text) merge(*text, path, config);
    } catch (const Error& error) {
      config.findings.push_back(warning(kCheck, error.line(),
                                        "podman's settings may differ from "
                                        "what is said here",
                                        "make " + path + " readable"));
    }
  }
  return config;
}

}  // namespace hookcore::doctor
