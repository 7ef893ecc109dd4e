// What the kernel does, and what the administrator has it refuse.
#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

Finding check_calls(const Kernel& kernel) {
  constexpr const char* kCheck = "kernel-calls";
  const auto& missing = kernel.missing_calls;
  if (missing.empty()) {
    return ok(kCheck, "Linux " + kernel.release + " has openat2 and the mount calls");
  }
  const std::string what = "Linux " + kernel.release + " lacks " + listed(missing);
  const std::string mend = "run Linux 5.11 or later, without a seccomp filter on these calls";
  const bool steps = std::find(missing.begin(), missing.end(), "openat2") != missing.end();
  return warning(kCheck, what,
                 steps ? "the hooks open paths one component after the other, and mount by mount(2)"
                       : "the hooks mount by the older mount(2) instead",
                 mend);
}

// served: another way than the kernel's overlay was found for the scratch.
Finding check_overlay(const Machine& machine, bool served) {
  constexpr const char* kCheck = "kernel-overlay";
  const auto& problem = machine.kernel.overlay_failure;
  const std::string where = machine.user.rootful ? "" : " in a user namespace";
  if (!problem) return ok(kCheck, "overlay with whiteouts works" + where);
  const std::string what = "no overlay" + where + ": " + *problem;
  if (!machine.user.rootful && only_engines_get_namespaces(machine)) {
    return warning(kCheck, what,
                   "AppArmor gives user namespaces to some programs only; whether "
                   "podman's containers get an overlay couldn't be tried",
                   "run a container with io.cnb.hooks.role=dev to see");
  }
  const std::string mend = machine.user.rootful
                               ? "modprobe overlay"
                               : "sudo sysctl kernel.unprivileged_userns_clone=1 "
                                 "user.max_user_namespaces=65536; Linux 5.11 or later";
  if (served) {
    return warning(kCheck, what, "workspaces are made in another way, see scratch below", mend);
  }
  return failure(kCheck, what, "/workspace is an overlay: no container that opts in can start",
                 mend);
}

bool says(const Machine& machine, const char* file, char wanted) {
  const auto text = machine.files.read(file);
  return text && !text->empty() && text->front() == wanted &&
         (text->size() == 1 || (*text)[1] == '\n');
}

// Rootful engines make them too where a container asks (--userns).
std::optional<Finding> check_user_namespaces(const Machine& machine) {
  constexpr const char* kCheck = "namespaces";
  for (const auto& [file, key] :
       {std::pair("/proc/sys/user/max_user_namespaces", "user.max_user_namespaces=65536"),
        std::pair("/proc/sys/kernel/unprivileged_userns_clone",
                  "kernel.unprivileged_userns_clone=1")}) {
    if (!says(machine, file, '0')) continue;
    const std::string what = std::string(file) + " is 0: no user namespaces";
    const std::string mend = std::string("sudo sysctl ") + key;
    if (machine.user.rootful) {
      return warning(kCheck, what, "plain users' engines, and --userns, don't work", mend);
    }
    return failure(kCheck, what, "a plain user's engine makes each container in one", mend);
  }
  return std::nullopt;
}

Finding check_fuse_device(const Machine& machine, const std::string& program) {
  constexpr const char* kCheck = "fuse";
  const auto device = machine.files.stat("/dev/fuse");
  if (!device) {
    return warning(kCheck, program + " is here, but no /dev/fuse",
                   "it can't stand in where the kernel's overlay doesn't serve", "modprobe fuse");
  }
  constexpr mode_t kEverybody = S_IROTH | S_IWOTH;
  if (!machine.user.rootful && (device->st_mode & kEverybody) != kEverybody) {
    return warning(kCheck, "/dev/fuse is not for everybody",
                   "fuse-overlayfs can't stand in where the kernel's overlay doesn't serve",
                   "sudo chmod 0666 /dev/fuse");
  }
  return ok(kCheck, program + " and /dev/fuse are here");
}

}  // namespace

// Ubuntu grants user namespaces to podman by an AppArmor profile that this program hasn't got.
bool only_engines_get_namespaces(const Machine& machine) {
  const auto text = machine.files.read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  return text && text->starts_with('1');
}

Findings check_kernel(const Machine& machine, bool served) {
  return {check_calls(machine.kernel), check_overlay(machine, served)};
}

Findings check_namespaces(const Machine& machine) {
  constexpr const char* kCheck = "namespaces";
  std::vector<std::string> missing;
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
    if (std::find(machine.kernel.namespaces.begin(), machine.kernel.namespaces.end(), kind) ==
        machine.kernel.namespaces.end()) {
      missing.emplace_back(kind);
    }
  }
  if (!missing.empty()) {
    return {failure(kCheck, "this kernel has no namespaces of kind " + listed(missing),
                    "engines put each container into its own", "run a kernel that has them")};
  }
  if (auto finding = check_user_namespaces(machine)) return {*finding};
  return {ok(kCheck, "mount, pid, user and the other namespaces are here")};
}

Findings check_fuse(const Machine& machine) {
  constexpr const char* kCheck = "fuse";
  for (const char* directory : {"/usr/bin/", "/usr/local/bin/", "/bin/"}) {
    const std::string path = std::string(directory) + "fuse-overlayfs";
    if (machine.files.stat(path)) return {check_fuse_device(machine, path)};
  }
  return {
      ok(kCheck, "fuse-overlayfs is not installed: not needed while the kernel's overlay serves")};
}

Findings check_cgroups(const Machine& machine) {
  constexpr const char* kCheck = "cgroups";
  bool first = false;
  std::optional<std::string> second;
  for (const Mount& mount : read_mounts(machine)) {
    if (mount.type == "cgroup") first = true;
    if (mount.type == "cgroup2") second = mount.point;
  }
  if (second && !first) return {ok(kCheck, "version 2, " + *second)};
  if (second) {
    return {warning(kCheck, "versions 1 and 2 side by side, the latter at " + quote(*second),
                    "crun starts no container there",
                    "boot with systemd.unified_cgroup_hierarchy=1, or use runc")};
  }
  if (first && machine.user.rootful) return {ok(kCheck, "version 1")};
  if (first) {
    return {warning(kCheck, "version 1", "a plain user's engine can't limit a container's memory",
                    "boot with systemd.unified_cgroup_hierarchy=1")};
  }
  return {warning(kCheck, "none are mounted", "most engines start no container without",
                  "mount -t cgroup2 cgroup2 /sys/fs/cgroup")};
}

Findings check_security_modules(const Machine& machine) {
  constexpr const char* kCheck = "security-modules";
  if (says(machine, "/sys/fs/selinux/enforce", '1')) {
    return {warning(kCheck, "SELinux is enforcing",
                    "containers may read only what is labelled for them: a source without such a "
                    "label can't be read in its overlay either",
                    "mount it with :z or :Z, or run with --security-opt label=disable")};
  }
  if (says(machine, "/sys/module/apparmor/parameters/enabled", 'Y')) {
    if (only_engines_get_namespaces(machine)) {
      return {ok(kCheck,
                 "AppArmor is on, and gives user namespaces to programs with a profile only: "
                 "podman, crun, runc, not `oci-cnb run` or `preview`")};
    }
    return {ok(kCheck, "AppArmor is on: engines' own profiles don't concern the hooks")};
  }
  return {ok(kCheck, "neither SELinux enforces nor AppArmor is on")};
}

}  // namespace hookcore::doctor
