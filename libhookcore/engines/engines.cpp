#include "libhookcore/engines/engines.h"

#include "libhookcore/base/error.h"
#include "libhookcore/engines/docker.h"

namespace hookcore::engines {
namespace {

void require_program(const node::Host& host, const std::string& path) {
  if (host.exists(path)) return;
  throw Error(Code::kUsage, "there is no such program", path,
              "install it there; below --root, the engine looks for it there too");
}

node::Plan plan_docker(const node::Host& host, const Request& request) {
  require_program(host, request.runtime_program);
  const auto present = host.read(kDaemonFile);
  const DaemonFile before =
      present ? without_runtime(*present) : DaemonFile{{}, host.exists(kDaemonDirectory)};
  node::Plan plan;
  plan.activation.push_back({kDaemonFile, with_runtime(before, request.runtime_program)});
  plan.notes.emplace_back("let Docker read it: systemctl reload docker");
  return plan;
}

node::Plan plan_docker_removal(const node::Host& host) {
  node::Plan plan;
  const auto present = host.read(kDaemonFile);
  if (!present) return plan;
  DaemonFile before = without_runtime(*present);
  if (before.text == *present) return plan;
  plan.activation.push_back({kDaemonFile, std::move(before.text)});
  if (!before.directory) plan.activation.back().directories.emplace_back(kDaemonDirectory);
  plan.notes.emplace_back("let Docker read it: systemctl reload docker");
  return plan;
}

}  // namespace

node::Plan plan_install(const node::Host& host, const Request& request) {
  switch (request.engine) {
    case Engine::kPodman:
      require_program(host, request.podman.hooks_directory + "/oci-cnb-createruntime");
      return plan_podman(host, request.podman);
    case Engine::kDocker:
      return plan_docker(host, request);
    case Engine::kContainerd:
    case Engine::kCrio:
      break;
  }
  return node::plan_install(host, request.node);
}

node::Plan plan_uninstall(const node::Host& host, const Request& request) {
  switch (request.engine) {
    case Engine::kPodman:
      return plan_podman_removal(host, request.podman);
    case Engine::kDocker:
      return plan_docker_removal(host);
    case Engine::kContainerd:
    case Engine::kCrio:
      break;
  }
  node::Plan plan = node::plan_uninstall(host, request.node.engine);
  if (!plan.activation.empty()) plan.notes.emplace_back("restart the container runtime");
  return plan;
}

}  // namespace hookcore::engines
