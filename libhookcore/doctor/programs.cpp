// The hook programs, and the engines that call them.
#include <algorithm>
#include <array>

#include "libhookcore/base/error.h"
#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kCheck = "programs";
constexpr const char* kReinstall = "install the package oci-cnb-hooks again";
constexpr std::array<const char*, 4> kPrograms{"oci-cnb-precreate", "oci-cnb-createruntime",
                                               "oci-cnb-prestart", "oci-cnb-poststop"};

Finding check_program(const Machine& machine, const std::string& path) {
  const auto status = machine.files.stat(path);
  if (!status) {
    return failure(kCheck, path + " is missing",
                   "engines run a container without a hook whose program is missing, and say "
                   "nothing",
                   kReinstall);
  }
  if (!S_ISREG(status->st_mode) || (status->st_mode & S_IXOTH) == 0) {
    return failure(kCheck, path + " is not executable for everybody",
                   "engines can't run it, or only those of root can", "chmod 0755 " + path);
  }
  const std::string others = untrusted(machine, *status);
  if (!others.empty()) {
    return failure(kCheck, path + " " + others,
                   "whoever can change it runs as you, or as root, with the next container",
                   "chown root:root " + path + "; chmod 0755 " + path);
  }
  return ok(kCheck, path);
}

/// "crun version 1.21" and the like: the first word of the first line that begins with a digit.
std::string version_in(const std::string& text) {
  size_t start = 0;
  const size_t line_end = std::min(text.find('\n'), text.size());
  while (start < line_end) {
    const size_t end = std::min(text.find_first_of(" \n,+", start), line_end);
    if (text[start] >= '0' && text[start] <= '9') return text.substr(start, end - start);
    start = end + 1;
  }
  return {};
}

Engine find_engine(const Machine& machine, const char* name) {
  Engine engine;
  engine.name = name;
  for (const char* directory : {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/"}) {
    const std::string path = std::string(directory) + name;
    const auto status = machine.files.stat(path);
    if (!status || !S_ISREG(status->st_mode) || (status->st_mode & S_IXOTH) == 0) continue;
    engine.path = path;
    engine.version = version_in(machine.run(machine.root + path, {"--version"}).value_or(""));
    engine.major = static_cast<unsigned>(std::strtoul(engine.version.c_str(), nullptr, 10));
    break;
  }
  return engine;
}

bool found(const std::vector<Engine>& engines, std::string_view name) {
  return std::any_of(engines.begin(), engines.end(), [&](const Engine& engine) {
    return engine.name == name && !engine.path.empty();
  });
}

}  // namespace

Findings check_programs(const Machine& machine) {
  Findings findings;
  for (const char* name : kPrograms) {
    findings.push_back(check_program(machine, machine.programs + "/" + name));
  }
  const auto status = machine.files.stat(machine.programs);
  const std::string others = status ? untrusted(machine, *status) : "";
  if (!others.empty()) {
    findings.push_back(
        failure(kCheck, machine.programs + " " + others,
                "whoever can change it can replace the programs in it",
                "chown root:root " + machine.programs + "; chmod 0755 " + machine.programs));
  }
  return findings;
}

std::vector<Engine> find_engines(const Machine& machine) {
  std::vector<Engine> engines;
  for (const char* name : {"podman", "buildah", "crun", "runc"}) {
    engines.push_back(find_engine(machine, name));
  }
  return engines;
}

Findings check_engines(const std::vector<Engine>& engines) {
  constexpr const char* kEngines = "engines";
  Findings findings;
  for (const Engine& engine : engines) {
    if (engine.path.empty()) continue;
    if (engine.version.empty()) {
      findings.push_back(warning(kEngines, engine.path + " doesn't say its version",
                                 "it may not run at all", engine.path + " --version"));
    } else {
      findings.push_back(ok(kEngines, engine.name + " " + engine.version + ", " + engine.path));
    }
  }
  if (!found(engines, "crun") && !found(engines, "runc")) {
    findings.push_back(failure(kEngines, "neither crun nor runc is here",
                               "a container needs a runtime that calls OCI hooks",
                               "sudo apt install crun"));
  }
  if (!found(engines, "podman")) {
    findings.push_back(warning(kEngines, "podman is not here",
                               "bundles of crun and runc work by `oci-cnb spec apply` only",
                               "sudo apt install podman"));
  }
  return findings;
}

}  // namespace hookcore::doctor
