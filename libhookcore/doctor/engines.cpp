// Which engines and runtimes are here, and what of ours works with each.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "libhookcore/base/error.h"
#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kCheck = "engines";

/// An engine that we know, from which version on it was seen to work, and by what.
struct Known {
  const char* name;
  unsigned major;
  unsigned minor;
  const char* works;
};
constexpr std::array<Known, 7> kKnown{{
    {"podman", 4, 3, "by hooks.d, with --annotation io.cnb.hooks.role=dev"},
    {"buildah", 1, 28, "with --runtime oci-cnb-runtime and --env OCI_CNB_ROLE=dev; else untouched"},
    {"crun", 1, 8, "`oci-cnb spec apply` to a bundle, `oci-cnb run`, and under any engine here"},
    {"runc", 1, 1, "`oci-cnb spec apply` to a bundle, `oci-cnb run`, and under any engine here"},
    {"dockerd", 20, 10, "with --runtime cnb, after `oci-cnb install docker`"},
    {"containerd", 1, 6, "pods of a runtime handler, after `oci-cnb install containerd`"},
    {"crio", 1, 26, "pods of a runtime handler, after `oci-cnb install crio`"},
}};

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
    char* end = nullptr;
    engine.major = static_cast<unsigned>(std::strtoul(engine.version.c_str(), &end, 10));
    if (*end == '.') engine.minor = static_cast<unsigned>(std::strtoul(end + 1, nullptr, 10));
    break;
  }
  return engine;
}

Finding about(const Engine& engine, const Known& known) {
  if (engine.version.empty()) {
    return warning(kCheck, engine.path + " doesn't say its version", "it may not run at all",
                   engine.path + " --version");
  }
  const std::string what = engine.name + " " + engine.version + ", " + engine.path;
  if (std::pair(engine.major, engine.minor) < std::pair(known.major, known.minor)) {
    return warning(
        kCheck, what, "nobody has seen the hooks work with one so old",
        "use " + std::to_string(known.major) + "." + std::to_string(known.minor) + " or later");
  }
  return ok(kCheck, what + ": " + known.works);
}

}  // namespace

const Engine* find(const std::vector<Engine>& engines, std::string_view name) {
  const auto found = std::find_if(engines.begin(), engines.end(), [&](const Engine& engine) {
    return engine.name == name && !engine.path.empty();
  });
  return found == engines.end() ? nullptr : &*found;
}

std::vector<Engine> find_engines(const Machine& machine) {
  std::vector<Engine> engines;
  engines.reserve(kKnown.size());
  for (const Known& known : kKnown) engines.push_back(find_engine(machine, known.name));
  return engines;
}

Findings check_engines(const std::vector<Engine>& engines) {
  Findings findings;
  for (const Known& known : kKnown) {
    if (const Engine* engine = find(engines, known.name)) findings.push_back(about(*engine, known));
  }
  if (find(engines, "crun") == nullptr && find(engines, "runc") == nullptr) {
    findings.push_back(failure(kCheck, "neither crun nor runc is here",
                               "a container needs a runtime that calls OCI hooks",
                               "sudo apt install crun"));
  }
  constexpr std::array<const char*, 4> kEngines{"podman", "dockerd", "containerd", "crio"};
  if (std::none_of(kEngines.begin(), kEngines.end(),
                   [&](const char* name) { return find(engines, name) != nullptr; })) {
    findings.push_back(warning(kCheck, "no engine is here",
                               "bundles of crun and runc work by `oci-cnb spec apply` only",
                               "sudo apt install podman"));
  }
  return findings;
}

}  // namespace hookcore::doctor
