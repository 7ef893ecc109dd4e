// Configuration, subordinate ids.
#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/doctor/checks.h"

namespace hookcore::doctor {
namespace {

constexpr uint64_t kWantedIds = 65536;

/// The sum of a user's ranges in subuid(5) or subgid(5): NAME-OR-UID:START:COUNT.
uint64_t subordinate_ids(const std::string& text, const std::vector<std::string>& names) {
  uint64_t sum = 0;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string line = text.substr(start, end - start);
    start = end + 1;
    const size_t first = line.find(':');
    const size_t last = line.rfind(':');
    if (first == std::string::npos || first == last) continue;
    if (std::find(names.begin(), names.end(), line.substr(0, first)) == names.end()) continue;
    sum += std::strtoull(line.c_str() + last + 1, nullptr, 10);
  }
  return sum;
}

/// The name that /etc/passwd has for uid; empty where it has none.
std::string user_name(const Files& files, uid_t uid) {
  const std::string text = files.read("/etc/passwd").value_or("");
  const std::string wanted = ":" + std::to_string(uid) + ":";
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string line = text.substr(start, end - start);
    start = end + 1;
    const size_t name_end = line.find(':');
    const size_t uid_at = name_end == std::string::npos ? name_end : line.find(':', name_end + 1);
    if (uid_at != std::string::npos && line.compare(uid_at, wanted.size(), wanted) == 0) {
      return line.substr(0, name_end);
    }
  }
  return {};
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
  settings::SettingsFiles files{machine.root + settings::kSystemFile, {}};
  if (!machine.user.rootful && !machine.home.empty()) {
    files.user = machine.root + machine.home + "/" + settings::kUserFile;
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
  const std::string name = user_name(machine.files, machine.user.uid);
  const std::string shown = name.empty() ? std::to_string(machine.user.uid) : name;
  Findings findings;
  for (const char* path : {"/etc/subuid", "/etc/subgid"}) {
    const uint64_t ids = subordinate_ids(machine.files.read(path).value_or(""),
                                         {shown, std::to_string(machine.user.uid)});
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
