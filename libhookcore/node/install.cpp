#include "libhookcore/node/install.h"

#include <fcntl.h>

#include <array>
#include <cstdint>
#include <cstdio>

#include "libhookcore/base/error.h"
#include "libhookcore/node/containerd_files.h"
#include "libhookcore/node/crio_config.h"
#include "libhookcore/node/hook_file.h"
#include "libhookcore/sys/file.h"

namespace hookcore::node {
namespace {

constexpr const char* kVersions = "/opt/oci-cnb-hooks/versions";
constexpr const char* kCurrent = "/opt/oci-cnb-hooks/current";
constexpr const char* kBaseSpec = "base-spec.json";
constexpr std::string_view kCrioHeader = "# Written by `oci-cnb node install`.\n";
constexpr size_t kMaxProgram = size_t{64} << 20;

/// What containers' documents, and people on the node, call.
constexpr std::array<const char*, 4> kPrograms{"oci-cnb", "oci-cnb-createruntime",
                                               "oci-cnb-poststop", "oci-cnb-guard"};

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

std::string program(const std::vector<std::string>& directories, const std::string& name) {
  for (const std::string& directory : directories) {
    const std::string path = std::string(directory).append("/").append(name);
    const auto file = sys::try_open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, sys::Resolve::kHost);
    if (file) return sys::read_all(file->get(), kMaxProgram, path);
  }
  std::string where;
  for (const std::string& directory : directories) {
    where += (where.empty() ? "" : ", ") + quote(directory);
  }
  throw Error(Code::kUsage, "there is no program " + name, where, "name it with --programs DIR");
}

/// What both engines find below the link: a node may have both, and the link leads to one version.
void plan_documents(const Host& host, const Request& request, Plan& plan) {
  const auto present = host.read(std::string(kCurrent) + "/" + kBaseSpec);
  const bool keep = request.engine == Engine::kCrio && present;  // containerd's, with its door
  plan.versioned.push_back(
      {kBaseSpec, keep ? *present : base_spec(request.door, kCurrent, request.settings), 0644});
  plan.versioned.push_back({"hooks.d/90-oci-cnb-createruntime.json",
                            hook_file(kCurrent, "oci-cnb-createruntime", "createRuntime"), 0644});
  plan.versioned.push_back({"hooks.d/90-oci-cnb-poststop.json",
                            hook_file(kCurrent, "oci-cnb-poststop", "poststop"), 0644});
}

void plan_crio(const Host& host, const Request& request, Plan& plan) {
  require_ours(host, kCrioConfig, kCrioHeader);
  const CrioConfiguration others = read_crio(host, false);
  const std::string header =
      std::string(kCrioHeader) + made_lines(made_directories(host, kCrioConfig));
  plan.activation.push_back(
      {kCrioConfig, header + crio_drop_in(host, others, request.handler, request.based_on)});
  if (!others.later_hooks_file.empty()) {
    plan.notes.push_back(others.later_hooks_file +
                         " comes later and has a hooks_dir of its own: add " + kCrioHooks +
                         " there, or pods start unfiltered while oci-cnb-nri is away");
  }
  plan.notes.emplace_back("restart CRI-O when this changed something: systemctl restart crio");
}

void plan_containerd(const Host& host, const Request& request, Plan& plan) {
  Handler handler;
  handler.name = request.handler;
  handler.based_on = request.based_on;
  handler.door = request.door;
  handler.base_spec = std::string(kCurrent) + "/" + kBaseSpec;
  ContainerdPlan configuration = plan_containerd_handler(host, handler);
  plan.activation = std::move(configuration.edits);
  plan.notes = std::move(configuration.notes);
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

std::string link_of(const Plan& plan) { return "versions/" + plan.version; }

/// Kept is what containers may still name, and what a roll-back goes to.
std::vector<std::string> older_versions(const Host& host, const std::string& current,
                                        const std::string& previous) {
  std::vector<std::string> older;
  for (const std::string& name : host.list(kVersions)) {
    const std::string target = "versions/" + name;
    if (target != current && target != previous) {
      older.push_back(std::string(kVersions).append("/").append(name));
    }
  }
  return older;
}

std::string described_programs(const Host& host, const Plan& plan) {
  std::string text;
  const std::string directory = directory_of(plan);
  if (!host.exists(directory)) {
    for (const Plan::File& file : plan.versioned) {
      text += "write " + directory + "/" + file.path + " (" + std::to_string(file.bytes.size()) +
              " B)\n";
    }
  }
  const std::string previous = host.link(kCurrent).value_or("");
  if (previous == link_of(plan)) return text;
  text += "link " + std::string(kCurrent) + " to " + link_of(plan) + "\n";
  for (const std::string& older : older_versions(host, link_of(plan), previous)) {
    text += "remove " + older + "\n";
  }
  return text;
}

}  // namespace

Plan plan_install(const Host& host, const Request& request) {
  Plan plan;
  for (const char* name : kPrograms) {
    plan.versioned.push_back({name, program(request.programs, name), 0755});
  }
  plan_documents(host, request, plan);
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
  if (plan.versioned.empty()) return make_edits(host, plan.activation);
  put_version(host, plan);
  const std::string target = link_of(plan);
  const std::string previous = host.link(kCurrent).value_or("");
  if (previous != target) {
    host.set_link(kCurrent, target);
    for (const std::string& older : older_versions(host, target, previous)) host.remove_tree(older);
  }
  return make_edits(host, plan.activation);
}

Plan plan_uninstall(const Host& host, std::optional<Engine> engine) {
  Plan plan;
  const bool all = !engine.has_value();
  if (all || engine == Engine::kContainerd) plan.activation = plan_containerd_removal(host);
  const bool in_crio = host.read(kCrioConfig).value_or("").starts_with(kCrioHeader);
  if (in_crio && (all || engine == Engine::kCrio)) {
    plan.activation.push_back({kCrioConfig, std::nullopt, made_directories(host, kCrioConfig)});
  }
  // The other engine calls them.
  plan.removes_programs =
      all || (engine == Engine::kCrio ? plan_containerd_removal(host).empty() : !in_crio);
  return plan;
}

std::string describe(const Host& host, const Plan& plan) {
  std::string text;
  if (!plan.versioned.empty()) text += described_programs(host, plan);
  text += diff(host, plan.activation);
  for (const std::string& directory : removed_directories(host, plan.activation)) {
    text += "remove " + directory + "\n";
  }
  if (plan.removes_programs && host.exists(kPrefix)) {
    text += "remove " + std::string(kPrefix) + "\n";
  }
  return text;
}

bool uninstall(const Host& host, const Plan& plan) {
  const bool changed = make_edits(host, plan.activation);
  if (plan.removes_programs) host.remove_tree(kPrefix);
  return changed;
}

}  // namespace hookcore::node
