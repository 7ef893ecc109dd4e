// Linux under macOS and Windows: whose guest this is, and what the host shares with it.
#include <algorithm>
#include <charconv>
#include <string_view>

#include "libhookcore/base/error.h"
#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

/// A directory of the host, as mountinfo tells (proc_pid_mountinfo(5)).
struct Share {
  std::string mount_point;
  std::string type;
  bool windows = false;
};

std::string_view field(std::string_view line, size_t number) {
  for (; number > 0; --number) {
    const size_t blank = line.find(' ');
    line.remove_prefix(blank == std::string_view::npos ? line.size() : blank + 1);
  }
  return line.substr(0, line.find(' '));
}

// Blank, tab, newline and backslash are written as \040 and so on.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* const digits = text.data() + i + 1;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(digits, digits + 3, value, 8).ptr == digits + 3) {
      out += static_cast<char>(value);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// sshfs is what Lima's and podman's older machines share by.
bool is_shared_by_host(std::string_view type) {
  return type == "9p" || type == "virtiofs" || type == "drvfs" || type == "fuse.sshfs";
}

std::vector<Share> find_shares(std::string_view mountinfo, bool in_wsl) {
  std::vector<Share> shares;
  while (!mountinfo.empty()) {
    const std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
    mountinfo.remove_prefix(std::min(mountinfo.size(), line.size() + 1));
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const std::string_view rest = line.substr(dash + 3);
    const std::string type(field(rest, 0));
    if (!is_shared_by_host(type)) continue;
    const bool drive = type == "drvfs" || rest.find("aname=drvfs") != std::string_view::npos;
    // WSL's own tools come by 9p as well; nobody builds there.
    if (in_wsl && !drive) continue;
    shares.push_back({unescape(field(line, 4)), type, drive});
  }
  return shares;
}

std::string guest_name(const Machine& machine, const std::string& version) {
  if (version.find("microsoft-standard-WSL2") != std::string::npos) return "WSL2 under Windows";
  if (machine.files.stat("/etc/containers/podman-machine")) return "podman machine's";
  if (machine.files.stat("/run/lima-boot-done")) return "Lima's";
  return {};
}

Finding about(const Share& share) {
  constexpr const char* kCheck = "shared-directory";
  if (!share.windows) {
    return ok(kCheck, quote(share.mount_point) + " is the host's (" + share.type +
                          "): for sources; scratch stays on this machine's own disk");
  }
  return warning(kCheck, quote(share.mount_point) + " is a drive of Windows (" + share.type + ")",
                 "as a source it serves, slowly; names that differ in case only are one, there are "
                 "no extended attributes, and no upper can lie there",
                 "keep the source in a directory of Linux, as ~/src, and scratch-dir where it is");
}

}  // namespace

Findings check_guest(const Machine& machine) {
  const std::string version = machine.files.read("/proc/version").value_or("");
  const std::string guest = guest_name(machine, version);
  Findings findings;
  if (!guest.empty()) {
    findings.push_back(ok("guest", "this is " + guest +
                                       (guest.ends_with("Windows") ? "" : " guest") +
                                       ": the hooks, engines and scratch are in here"));
  }
  const std::string mounts = machine.files.read("/proc/self/mountinfo").value_or("");
  for (const Share& share : find_shares(mounts, guest.starts_with("WSL2"))) {
    findings.push_back(about(share));
  }
  return findings;
}

}  // namespace hookcore::doctor
