#include "libhookcore/doctor/doctor.h"

#include <algorithm>

#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

void append(Findings& all, Findings more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

unsigned podman_major(const std::vector<Engine>& engines) {
  const Engine* podman = find(engines, "podman");
  return podman == nullptr ? 0 : podman->major;
}

}  // namespace

Findings examine(const Machine& machine) {
  const std::vector<Engine> engines = find_engines(machine);
  const PodmanConfig config = read_podman_config(machine, podman_major(engines));
  ScratchReport scratch = check_scratch(machine);
  Findings all = check_kernel(machine, scratch.served);
  append(all, check_namespaces(machine));
  append(all, check_fuse(machine));
  append(all, check_cgroups(machine));
  append(all, check_security_modules(machine));
  append(all, check_guest(machine));
  append(all, check_programs(machine));
  append(all, check_package(machine));
  append(all, config.findings);
  append(all, check_hook_files(machine, config, find(engines, "podman") != nullptr));
  append(all, check_settings(machine));
  append(all, std::move(scratch.findings));
  append(all, check_subordinate_ids(machine));
  append(all, check_engines(engines));
  append(all, check_docker(machine));
  append(all, check_pods(machine, engines));
  return all;
}

bool has_failures(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.status == Status::kFailure; });
}

}  // namespace hookcore::doctor
