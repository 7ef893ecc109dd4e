// What CRI-O makes of our file, and what that leads to.
#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/doctor/checks.h"
#include "libhookcore/doctor/nri.h"
#include "libhookcore/node/crio_config.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kHandler = "runtime-handler";
// The plugin adds the hooks by itself; CRI-O has no guard that would notice its absence.
constexpr const char* kUnfiltered = "pods start unfiltered while oci-cnb-nri is away";
constexpr const char* kInstall = "sudo oci-cnb install crio; systemctl restart crio";

/// The hooks of files in our directory, and the runtimes of handlers that others don't have.
Findings check_leads(const Machine& machine, const node::CrioConfiguration& found,
                     const node::CrioConfiguration& others) {
  Findings bad;
  if (machine.files.list(node::kCrioHooks).empty()) {
    bad.push_back(
        failure(kHandler, std::string(node::kCrioHooks) + " holds no file", kUnfiltered, kInstall));
  }
  const std::string current = parent_path(node::kCrioHooks);
  for (const char* name : {"/oci-cnb-createruntime", "/oci-cnb-poststop"}) {
    Finding program = check_program(machine, current + name, "no pod that has a role starts");
    if (program.status == Status::kOk) continue;
    program.mend = program.mend.starts_with("install") ? kInstall : program.mend;
    bad.push_back(std::move(program));
  }
  for (const auto& [name, runtime] : found.runtimes) {
    if (others.runtimes.contains(name) || runtime.path.empty()) continue;
    if (machine.files.stat(runtime.path)) continue;
    bad.push_back(failure(
        kHandler, "handler " + quote(name) + " names " + quote(runtime.path) + ", which is missing",
        "CRI-O leaves the handler out, or can't start", kInstall));
  }
  return bad;
}

// On since 1.30.
bool nri_is_off(const node::CrioConfiguration& found, const Engine* crio) {
  if (found.nri_enabled) return !*found.nri_enabled;
  return crio != nullptr && crio->major == 1 && crio->minor < 30;
}

Findings check(const Machine& machine, const node::CrioConfiguration& found,
               const node::CrioConfiguration& others, const Engine* crio) {
  const auto directories = found.hooks_directories.value_or(std::vector<std::string>{});
  Findings findings;
  if (std::find(directories.begin(), directories.end(), node::kCrioHooks) == directories.end()) {
    findings.push_back(failure(kHandler, std::string("CRI-O doesn't read ") + node::kCrioHooks,
                               found.hooks_file + " has another hooks_dir: " + kUnfiltered,
                               std::string("add that directory to hooks_dir in ") +
                                   found.hooks_file + "; systemctl restart crio"));
  }
  for (Finding& one : check_leads(machine, found, others)) findings.push_back(std::move(one));
  if (findings.empty()) {
    findings.push_back(ok(kHandler, std::string("CRI-O reads ") + node::kCrioHooks));
  }
  const NriOf nri{"CRI-O",
                  true,
                  nri_is_off(found, crio),
                  found.nri_socket,
                  "enable_nri = true below [crio.nri] in /etc/crio/crio.conf.d/40-nri.conf",
                  "systemctl restart crio"};
  for (Finding& one : check_nri(machine, nri)) findings.push_back(std::move(one));
  return findings;
}

}  // namespace

Findings check_crio(const Machine& machine, const Engine* crio) {
  if (!machine.files.stat(node::kCrioConfig)) return {};
  const node::Host host(machine.root.empty() ? "/" : machine.root);
  try {
    return check(machine, node::read_crio(host, true), node::read_crio(host, false), crio);
  } catch (const Error& error) {
    return {failure(kHandler, std::string(error.what()) + "; " + error.where(),
                    "CRI-O can't read its configuration", error.remedy())};
  }
}

}  // namespace hookcore::doctor
