// Linux under macOS and Windows: whose guest this is, and what the host shares with it.
#include "libhookcore/base/error.h"
#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

std::string guest_name(const Machine& machine, const std::string& version) {
  if (version.find("microsoft-standard-WSL2") != std::string::npos) return "WSL2 under Windows";
  if (machine.files.stat("/etc/containers/podman-machine")) return "podman machine's";
  if (machine.files.stat("/run/lima-boot-done")) return "Lima's";
  return {};
}

}  // namespace

Finding about_share(const Mount& share) {
  constexpr const char* kCheck = "shared-directory";
  if (!share.windows_drive) {
    return ok(kCheck, quote(share.point) + " is the host's (" + share.type +
                          "): for sources; scratch stays on this machine's own disk");
  }
  return warning(kCheck, quote(share.point) + " is a drive of Windows (" + share.type + ")",
                 "as a source it serves, slowly; names that differ in case only are one, there are "
                 "no extended attributes, and no upper can lie there",
                 "keep the source in a directory of Linux, as ~/src, and scratch-dir where it is");
}

std::vector<Mount> read_mounts(const Machine& machine) {
  return parse_mounts(machine.files.read("/proc/self/mountinfo").value_or(""));
}

Findings check_guest(const Machine& machine) {
  const std::string version = machine.files.read("/proc/version").value_or("");
  const std::string guest = guest_name(machine, version);
  Findings findings;
  if (!guest.empty()) {
    findings.push_back(ok("guest", "this is " + guest +
                                       (guest.ends_with("Windows") ? "" : " guest") +
                                       ": the hooks, engines and scratch are in here"));
  }
  for (const Mount& mount : read_mounts(machine)) {
    // WSL's own tools come by 9p as well; nobody builds there.
    const bool is_tool = guest.starts_with("WSL2") && !mount.windows_drive;
    if (mount.shared_by_host && !is_tool) findings.push_back(about_share(mount));
  }
  return findings;
}

}  // namespace hookcore::doctor
