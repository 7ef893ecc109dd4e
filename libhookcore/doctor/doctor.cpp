#include "libhookcore/doctor/doctor.h"

#include <algorithm>

#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

void append(Findings& all, Findings more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

unsigned podman_major(const std::vector<Engine>& engines) {
  for (const Engine& engine : engines) {
    if (engine.name == "podman") return engine.major;
  }
  return 0;
}

}  // namespace

Findings examine(const Machine& machine) {
  const std::vector<Engine> engines = find_engines(machine);
  const PodmanConfig config = read_podman_config(machine, podman_major(engines));
  Findings all = check_kernel(machine);
  append(all, check_guest(machine));
  append(all, check_programs(machine));
  append(all, config.findings);
  append(all, check_hook_files(machine, config));
  append(all, check_settings(machine));
  append(all, check_scratch(machine));
  append(all, check_subordinate_ids(machine));
  append(all, check_engines(engines));
  return all;
}

bool has_failures(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.status == Status::kFailure; });
}

}  // namespace hookcore::doctor
