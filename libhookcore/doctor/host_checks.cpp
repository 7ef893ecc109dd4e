// Configuration, subordinate ids.
#include "libhookcore/base/error.h"
#include "libhookcore/doctor/checks.h"
#include "libhookcore/settings/accounts.h"

namespace hookcore::doctor {
namespace {

constexpr uint64_t kWantedIds = 65536;

uint64_t sum_of(const settings::IdRanges& ranges) {
  uint64_t sum = 0;
  for (const auto& [start, count] : ranges) sum += count;
  return sum;
}

Finding check_helper(const Machine& machine, const std::string& name) {
  constexpr const char* kCheck = "rootless-ids";
  for (const char* directory : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
    const std::string path = directory + name;
    const auto status = machine.files.stat(path);
    if (!status) continue;
    const bool set_uid =
        status->st_uid == machine.files.root_uid() && (status->st_mode & S_ISUID) != 0;
    if (set_uid || machine.files.attribute(path, "security.capability")) {
      return ok(kCheck, path + " is there, with its privilege");
    }
    return failure(kCheck, path + " is neither set-uid root nor has file capabilities",
                   "it can't give a container its ids, and podman starts none",
                   "sudo apt install --reinstall uidmap, or chmod 4755 " + path);
  }
  return failure(kCheck, name + " is not installed",
                 "a rootless container has one id only without it", "sudo apt install uidmap");
}

}  // namespace

settings::Settings load_settings(const Machine& machine) {
  settings::SettingsFiles files{settings::kSystemFile, {}, machine.root};
  if (!machine.user.rootful && !machine.home.empty()) {
    files.user = machine.home + "/" + settings::kUserFile;
  }
  return settings::load_settings(machine.user, files);
}

std::string untrusted(const Machine& machine, const struct ::stat& status) {
  const bool trusted_owner = status.st_uid == machine.files.root_uid() ||
                             (!machine.user.rootful && status.st_uid == machine.user.uid);
  if (trusted_owner && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", status.st_mode & 07777U);
  return "belongs to uid " + std::to_string(status.st_uid) + " with mode " + mode;
}

Findings check_settings(const Machine& machine) {
  constexpr const char* kCheck = "settings";
  try {
    const settings::Settings settings = load_settings(machine);
    if (settings.cnb_dir && !machine.files.stat(*settings.cnb_dir)) {
      return {failure(kCheck, "cnb-dir " + quote(*settings.cnb_dir) + " is not there",
                      "a container whose image has no /cnb is refused",
                      "make the directory, or correct cnb-dir in config.toml")};
    }
    return {ok(kCheck, "config.toml can be used")};
  } catch (const Error& error) {
    return {failure(kCheck, std::string(error.what()) + "; " + error.where(),
                    "every container that opts in is refused", error.remedy())};
  }
}

Findings check_subordinate_ids(const Machine& machine) {
  constexpr const char* kCheck = "rootless-ids";
  if (machine.user.rootful) return {};
  const uid_t uid = machine.user.uid;
  const std::string name = settings::user_name(machine.files.read("/etc/passwd").value_or(""), uid);
  const std::string shown = name.empty() ? std::to_string(uid) : name;
  Findings findings;
  for (const char* path : {"/etc/subuid", "/etc/subgid"}) {
    const uint64_t ids =
        sum_of(settings::granted_ids(machine.files.read(path).value_or(""), name, uid));
    const std::string what =
        std::string(path).append(" gives ").append(shown).append(" ").append(std::to_string(ids)) +
        " ids";
    if (ids >= kWantedIds) {
      findings.push_back(ok(kCheck, what));
      continue;
    }
    const std::string option =
        path == std::string("/etc/subuid") ? "--add-subuids" : "--add-subgids";
    findings.push_back(
        failure(kCheck, what,
                "images whose files belong to several users, and --userns=keep-id, need 65536",
                std::string("sudo usermod ")
                    .append(option)
                    .append(" 100000-165535 ")
                    .append(shown)
                    .append("; podman system migrate")));
  }
  findings.push_back(check_helper(machine, "newuidmap"));
  findings.push_back(check_helper(machine, "newgidmap"));
  return findings;
}

}  // namespace hookcore::doctor
