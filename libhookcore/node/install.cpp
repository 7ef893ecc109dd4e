#include "libhookcore/node/install.h"

#include <fcntl.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/node/containerd_config.h"
#include "libhookcore/sys/file.h"

namespace hookcore::node {
namespace {

constexpr const char* kVersions = "/opt/oci-cnb-hooks/versions";
constexpr const char* kCurrent = "/opt/oci-cnb-hooks/current";
constexpr const char* kBaseSpec = "base-spec.json";
constexpr const char* kContainerdConfig = "/etc/containerd/config.toml";
constexpr const char* kCrioConfig = "/etc/crio/crio.conf.d/50-oci-cnb-hooks.conf";
constexpr size_t kMaxProgram = size_t{64} << 20;

/// What containers' documents, and people on the node, call.
std::vector<std::string> programs_of(Door door) {
  std::vector<std::string> names{"oci-cnb", "oci-cnb-createruntime", "oci-cnb-poststop"};
  if (door == Door::kNri) names.emplace_back("oci-cnb-guard");
  return names;
}

/// Names a version's directory: programs that differ never share one. FNV-1a, 64 bits; against
/// accident, not against an attacker.
class Digest {
 public:
  void add(std::string_view bytes) {
    for (const char byte : bytes) {
      value_ = (value_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
    }
  }
  std::string text() const {
    std::array<char, 17> hex{};
    std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(value_));
    return hex.data();
  }

 private:
  uint64_t value_ = 0xcbf29ce484222325U;
};

std::string program(const sys::UniqueFd& directory, const std::string& name) {
  const auto file =
      sys::try_open_at(directory.get(), name, O_RDONLY | O_NOFOLLOW, sys::Resolve::kNoLinks);
  if (!file) {
    throw Error(Code::kUsage, "there is no program " + name, "the directory of our programs",
                "name it with --programs DIR");
  }
  return sys::read_all(file->get(), kMaxProgram, name);
}

/// containerd reads the marked block; CRI-O files of its own: a hooks.d file for each stage.
std::string hooks_d(const char* program, const char* stage) {
  using Json = nlohmann::ordered_json;
  const Json document = {{"version", "1.0.0"},
                         {"hook",
                          {{"path", std::string(kCurrent) + "/" + program},
                           {"args", {program}},
                           {"env", {"PATH=/usr/bin:/bin"}},
                           {"timeout", 120}}},
                         {"when", {{"annotations", {{R"(^io\.cnb\.hooks\..*$)", "(?s)^.*$"}}}}},
                         {"stages", {stage}}};
  return document.dump(2) + "\n";
}

/// The real runtime: a handler without a path is looked for under the handler's own name.
std::string crio_runtime(const Host& host, const std::string& based_on) {
  const std::string wanted = based_on.empty() ? "crun" : based_on;
  for (const char* directory : {"/usr/libexec/crio/", "/usr/bin/", "/usr/sbin/"}) {
    if (host.exists(directory + wanted)) return directory + wanted;
  }
  throw Error(Code::kSettings, "no runtime " + quote(wanted), "the node's /usr",
              "name crun or runc with --based-on");
}

void plan_crio(const Host& host, const Request& request, Plan& plan) {
  plan.versioned.push_back({"hooks.d/90-oci-cnb-createruntime.json",
                            hooks_d("oci-cnb-createruntime", "createRuntime"), 0644});
  plan.versioned.push_back(
      {"hooks.d/90-oci-cnb-poststop.json", hooks_d("oci-cnb-poststop", "poststop"), 0644});
  std::string text = "# Written by `oci-cnb node install`.\n[crio.runtime]\nhooks_dir = [\n";
  text +=
      "  \"/usr/share/containers/oci/hooks.d\",\n  \"" + std::string(kCurrent) + "/hooks.d\",\n]\n";
  text += "[crio.runtime.runtimes." + nlohmann::json(request.handler).dump() +
          "]\nruntime_path = \"" + crio_runtime(host, request.based_on) +
          "\"\nruntime_type = \"oci\"\n";
  plan.activation.push_back({kCrioConfig, text, 0644});
  plan.notes.emplace_back("restart CRI-O when this changed something: systemctl restart crio");
}

void plan_containerd(const Host& host, const Request& request, Plan& plan) {
  plan.versioned.push_back({kBaseSpec, base_spec(request.door, kCurrent, request.settings), 0644});
  Handler handler;
  handler.name = request.handler;
  handler.based_on = request.based_on;
  handler.door = request.door;
  handler.base_spec = std::string(kCurrent) + "/" + kBaseSpec;
  const std::string present = host.read(kContainerdConfig).value_or("");
  plan.activation.push_back({kContainerdConfig, with_handler(present, handler), 0644});
  plan.notes.emplace_back(
      "restart containerd when this changed something: systemctl restart containerd");
}

std::string directory_of(const Plan& plan) { return std::string(kVersions) + "/" + plan.version; }

void put_version(const Host& host, const Plan& plan) {
  const std::string directory = directory_of(plan);
  if (host.exists(directory)) return;
  const std::string unfinished = directory + ".new";
  host.remove_tree(unfinished);
  for (const Plan::File& file : plan.versioned) {
    host.write(unfinished + "/" + file.path, file.bytes, file.mode);
  }
  host.rename(unfinished, directory);
}

/// Keeps what containers may still name, and what a roll-back goes to.
void remove_older(const Host& host, const std::string& current, const std::string& previous) {
  for (const std::string& name : host.list(kVersions)) {
    const std::string target = "versions/" + name;
    if (target != current && target != previous) {
      host.remove_tree(std::string(kVersions) + "/" + name);
    }
  }
}

}  // namespace

Plan plan_install(const Host& host, const Request& request) {
  Plan plan;
  const sys::UniqueFd directory =
      sys::open_at(AT_FDCWD, request.programs, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
  for (const std::string& name : programs_of(request.door)) {
    plan.versioned.push_back({name, program(directory, name), 0755});
  }
  request.engine == Engine::kCrio ? plan_crio(host, request, plan)
                                  : plan_containerd(host, request, plan);
  Digest digest;
  for (const Plan::File& file : plan.versioned) {
    digest.add(file.path);
    digest.add(file.bytes);
  }
  plan.version = OCI_CNB_VERSION "-" + digest.text();
  return plan;
}

bool install(const Host& host, const Plan& plan) {
  put_version(host, plan);
  const std::string target = "versions/" + plan.version;
  const std::string previous = host.link(kCurrent).value_or("");
  if (previous != target) {
    host.set_link(kCurrent, target);
    remove_older(host, target, previous);
  }
  bool changed = false;
  for (const Plan::File& file : plan.activation) {
    changed |= host.write(file.path, file.bytes, file.mode);
  }
  return changed;
}

bool uninstall(const Host& host) {
  bool changed = host.exists(kCrioConfig);
  host.remove(kCrioConfig);
  if (const auto config = host.read(kContainerdConfig)) {
    const std::string rest = without_handler(*config);
    if (rest != *config) {
      changed = true;
      rest.empty() ? host.remove(kContainerdConfig)
                   : static_cast<void>(host.write(kContainerdConfig, rest, 0644));
    }
  }
  host.remove_tree(kPrefix);
  return changed;
}

}  // namespace hookcore::node
