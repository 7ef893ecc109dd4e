#include "libhookcore/engines/podman.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/doctor/podman_config.h"
#include "libhookcore/node/hook_file.h"

namespace hookcore::engines {
namespace {

constexpr std::string_view kHeader =
    "# `oci-cnb install podman` wrote this file, `oci-cnb uninstall podman` removes it.\n"
    "# Its list replaces that of earlier files, and repeats it.\n";

struct Hook {
  const char* program;
  const char* stage;
};
constexpr std::array<Hook, 3> kHooks{{{"oci-cnb-precreate", "precreate"},
                                      {"oci-cnb-createruntime", "createRuntime"},
                                      {"oci-cnb-poststop", "poststop"}}};

struct Places {
  std::string base;
  std::string drop_in = base + "/containers.conf.d/99-oci-cnb-hooks.conf";
  std::string hooks = base + "/oci-cnb-hooks.d";

  std::string hook(const Hook& hook) const { return hooks + "/90-" + hook.program + ".json"; }
};

Places places_of(const PodmanRequest& request) {
  if (!request.for_user) return {"/etc/containers"};
  if (request.user.rootful || request.user.home.empty()) {
    throw Error(Code::kUsage, "--user is for a plain user with a home directory", "--user",
                "leave it away: root's podman reads /etc/containers");
  }
  return {request.user.home + "/.config/containers"};
}

doctor::PodmanConfig settings_without(const PodmanRequest& request, const std::string& drop_in) {
  settings::HostUser user = request.user;
  user.rootful = !request.for_user;
  const doctor::Machine machine{
      doctor::Files(request.root), request.root, user, request.for_user ? user.home : std::string(),
      request.hooks_directory,     {},           {}};
  doctor::PodmanConfig config = doctor::read_podman_config(machine, 0, drop_in);
  if (!config.findings.empty()) {
    throw Error(Code::kSettings, config.findings.front().what, {}, config.findings.front().mend);
  }
  return config;
}

/// Another file of the same directory, later in the order of names, has the last word.
void require_last(const Places& places, const std::string& decided_by) {
  if (parent_path(decided_by) != parent_path(places.drop_in) || decided_by < places.drop_in) return;
  throw Error(Code::kSettings, "its hooks_dir is read after ours", decided_by,
              "rename it to something before " + places.drop_in);
}

bool calls(const node::Host& host, const std::string& directory, const Hook& hook) {
  const auto names = host.list(directory);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    if (!name.ends_with(".json")) return false;
    const auto text = host.read(directory + "/" + name);
    const auto json = nlohmann::json::parse(text.value_or(""), nullptr, false);
    if (!json.is_object() || !json.contains("hook") || !json["hook"].is_object()) return false;
    const auto path = json["hook"].value("path", nlohmann::json());
    return path.is_string() && path.get<std::string>().ends_with(std::string("/") + hook.program);
  });
}

std::vector<Hook> missing_hooks(const node::Host& host,
                                const std::vector<std::string>& directories) {
  std::vector<Hook> missing;
  for (const Hook& hook : kHooks) {
    const bool called =
        std::any_of(directories.begin(), directories.end(),
                    [&](const std::string& directory) { return calls(host, directory, hook); });
    if (!called) missing.push_back(hook);
  }
  return missing;
}

std::string drop_in_text(const std::vector<std::string>& directories,
                         const std::vector<std::string>& made) {
  std::string text(kHeader);
  text += node::made_lines(made);
  text += "[engine]\nhooks_dir = " + nlohmann::json(directories).dump() + "\n";
  return text;
}

}  // namespace

node::Plan plan_podman(const node::Host& host, const PodmanRequest& request) {
  const Places places = places_of(request);
  node::require_ours(host, places.drop_in, kHeader);
  const doctor::PodmanConfig others = settings_without(request, places.drop_in);
  const std::vector<Hook> missing = missing_hooks(host, others.hook_directories);
  node::Plan plan;
  if (missing.empty()) {
    plan = plan_podman_removal(host, request);
    plan.notes = {"podman calls the hooks already: " +
                  (others.decided_by.empty() ? "by default" : others.decided_by)};
    return plan;
  }
  require_last(places, others.decided_by);
  for (const Hook& hook : missing) {
    plan.activation.push_back(
        {places.hook(hook), node::hook_file(request.hooks_directory, hook.program, hook.stage)});
  }
  std::vector<std::string> directories = others.hook_directories;
  directories.push_back(places.hooks);
  plan.activation.push_back(
      {places.drop_in, drop_in_text(directories, node::made_directories(host, places.drop_in))});
  return plan;
}

node::Plan plan_podman_removal(const node::Host& host, const PodmanRequest& request) {
  const Places places = places_of(request);
  node::Plan plan;
  const auto present = host.read(places.drop_in);
  std::vector<std::string> directories{places.hooks};
  if (present && present->starts_with(kHeader)) {
    plan.activation.push_back({places.drop_in, std::nullopt});
    const auto made = node::made_directories(host, places.drop_in);
    directories.insert(directories.end(), made.begin(), made.end());
  }
  // podman stops looking there before the files go.
  for (const Hook& hook : kHooks) {
    if (host.exists(places.hook(hook)))
      plan.activation.push_back({places.hook(hook), std::nullopt});
  }
  if (!plan.activation.empty()) plan.activation.back().directories = std::move(directories);
  return plan;
}

}  // namespace hookcore::engines
