// The hook programs: there, safe, and as the package brought them.
#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include "libhookcore/base/error.h"
#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kCheck = "programs";
constexpr const char* kReinstall = "install the package oci-cnb-hooks again";
constexpr const char* kSilent =
    "engines run a container without a hook whose program is missing, and say nothing";

/// One of ours, and what is lost without it.
struct Program {
  const char* name;
  const char* loss;
};
constexpr std::array<Program, 7> kPrograms{{
    {"oci-cnb-precreate", kSilent},
    {"oci-cnb-createruntime", kSilent},
    {"oci-cnb-prestart", kSilent},
    {"oci-cnb-poststop", kSilent},
    {"oci-cnb-fuse", "fuse-overlayfs can't stand in where the kernel's overlay doesn't serve"},
    {"oci-cnb-guard", "runtime handlers that name it start no container"},
    {"oci-cnb-nri", "pods of containerd and CRI-O get nothing of what they ask for"},
}};
/// A node's installation (node/install.h) has these and no others.
constexpr std::array<std::string_view, 3> kOnNode{"oci-cnb-createruntime", "oci-cnb-poststop",
                                                  "oci-cnb-guard"};

/// What a package manager has written down of our files.
struct Package {
  std::map<std::string, std::string> digests;  ///< path: digest
  std::string tool;                            ///< a program that prints such digests
  const char* mend = "";
};

/// Programs, and what makes engines call them; an administrator may edit the rest.
bool is_checked(const std::string& path) {
  return !path.starts_with("/etc/") && (path.ends_with(".json") || path.ends_with(".service") ||
                                        path.find("/bin/oci-cnb") != std::string::npos ||
                                        path.find("/libexec/oci-cnb-hooks/") != std::string::npos);
}

/// Lines of md5sum(1) and its like: a digest, two characters, a path. prefix: before each path.
std::map<std::string, std::string> parse_digests(const std::string& text, const char* prefix) {
  std::map<std::string, std::string> digests;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t blank = line.find(' ');
    if (blank == std::string::npos || blank + 2 >= line.size()) continue;
    digests[prefix + line.substr(blank + 2)] = line.substr(0, blank);
  }
  return digests;
}

Package find_package(const Machine& machine) {
  Package package;
  const auto sums = machine.files.read("/var/lib/dpkg/info/oci-cnb-hooks.md5sums");
  if (sums) {
    package = {parse_digests(*sums, "/"), "/usr/bin/md5sum",
               "sudo apt install --reinstall oci-cnb-hooks"};
  } else if (machine.files.stat("/usr/bin/rpm")) {
    const std::string format = "[%{FILEDIGESTS}  %{FILENAMES}\n]";
    const auto told =
        machine.run(machine.root + "/usr/bin/rpm", {"-q", "--qf", format, "oci-cnb-hooks"});
    package = {parse_digests(told.value_or(""), ""), "/usr/bin/sha256sum",
               "sudo dnf reinstall oci-cnb-hooks"};
  }
  std::erase_if(package.digests, [](const auto& one) { return !is_checked(one.first); });
  // Another installation of ours may stand beside it.
  const bool is_ours = package.digests.contains(machine.programs + "/oci-cnb-createruntime");
  return is_ours ? package : Package{};
}

std::vector<std::string> altered(const Machine& machine, const Package& package) {
  std::vector<std::string> present;
  std::vector<std::string> wrong;
  for (const auto& [path, digest] : package.digests) {
    if (machine.files.stat(path)) {
      present.push_back(machine.root + path);
    } else if (path.find("/libexec/") == std::string::npos) {
      wrong.push_back(path);  // else check_program tells
    }
  }
  const auto printed = machine.run(machine.root + package.tool, present);
  if (!printed) return wrong;
  for (const auto& [path, digest] : parse_digests(*printed, "")) {
    const std::string name = path.substr(machine.root.size());
    const auto known = package.digests.find(name);
    if (known != package.digests.end() && known->second != digest) wrong.push_back(name);
  }
  return wrong;
}

}  // namespace

Finding check_program(const Machine& machine, const std::string& path, const char* loss) {
  const auto status = machine.files.stat(path);
  if (!status) return failure(kCheck, path + " is missing", loss, kReinstall);
  if (!S_ISREG(status->st_mode) || (status->st_mode & S_IXOTH) == 0) {
    return failure(kCheck, path + " is not executable for everybody",
                   "engines can't run it, or only those of root can", "chmod 0755 " + path);
  }
  const std::string others = untrusted(machine, *status);
  if (!others.empty()) {
    return failure(kCheck, path + " " + others,
                   "whoever can change it runs as you, or as root, with the next container",
                   "chown root:root " + path + "; chmod 0755 " + path);
  }
  return ok(kCheck, path);
}

Findings check_programs(const Machine& machine) {
  Findings findings;
  const bool on_node = machine.files.stat(machine.programs + "/base-spec.json").has_value();
  for (const Program& program : kPrograms) {
    if (on_node && std::find(kOnNode.begin(), kOnNode.end(), program.name) == kOnNode.end()) {
      continue;
    }
    const std::string path = machine.programs + "/" + program.name;
    findings.push_back(check_program(machine, path, program.loss));
  }
  const auto status = machine.files.stat(machine.programs);
  const std::string others = status ? untrusted(machine, *status) : "";
  if (!others.empty()) {
    findings.push_back(
        failure(kCheck, machine.programs + " " + others,
                "whoever can change it can replace the programs in it",
                "chown root:root " + machine.programs + "; chmod 0755 " + machine.programs));
  }
  return findings;
}

Findings check_package(const Machine& machine) {
  const Package package = find_package(machine);
  if (package.digests.empty()) return {};
  Findings findings;
  for (const std::string& path : altered(machine, package)) {
    findings.push_back(failure(kCheck, path + " is not what the package brought",
                               "whoever has written it decides what runs with the next container",
                               package.mend));
  }
  if (findings.empty()) {
    findings.push_back(ok(kCheck, "they, and the hooks.d files, are what the package brought"));
  }
  return findings;
}

}  // namespace hookcore::doctor
