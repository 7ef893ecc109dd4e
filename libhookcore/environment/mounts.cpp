#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "libhookcore/base/path.h"
#include "libhookcore/environment/verify.h"

namespace hookcore::environment {

namespace {

using oci::ConfigView;
using oci::Mount;

enum class WhenReadonly { kFine, kWarns, kFails };

/// A mount that every container has. A bind serves as well: engines make /dev/shm one, and
/// --pid=host, --ipc=host and rootless --network=host bind the host's.
struct StandardMount {
  const Rule& rule;
  std::string_view destination;
  std::array<std::string_view, 2> types;
  std::string_view bind_source;  ///< a bind has to come from here; empty: from anywhere
  WhenReadonly readonly;
  std::string_view expected;
};

constexpr StandardMount kStandardMounts[] = {
    {rules::kMountProc, "/proc", {"proc"}, "/proc", WhenReadonly::kWarns, "proc"},
    {rules::kMountSys, "/sys", {"sysfs"}, "/sys", WhenReadonly::kFine, "sysfs, or a bind of /sys"},
    {rules::kMountDev, "/dev", {"tmpfs", "devtmpfs"}, "", WhenReadonly::kWarns, "tmpfs"},
    {rules::kMountDevPts, "/dev/pts", {"devpts"}, "", WhenReadonly::kFine, "devpts"},
    {rules::kMountDevShm, "/dev/shm", {"tmpfs"}, "", WhenReadonly::kFails, "a writable tmpfs"},
};

std::string describe(const Mount& mount) {
  const std::string what =
      mount.is_bind() ? "a bind of " + quote(mount.source) : "a mount of type " + quote(mount.type);
  return what + " at " + quote(mount.destination);
}

/// The value of the last `name=value` among the options.
std::optional<std::string_view> option_value(const Mount& mount, std::string_view name) {
  std::optional<std::string_view> value;
  for (const std::string_view option : mount.options) {
    if (option.size() > name.size() && option[name.size()] == '=' && option.starts_with(name)) {
      value = option.substr(name.size() + 1);
    }
  }
  return value;
}

std::optional<uint32_t> number(std::string_view text, int base) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A bind of a whole directory brings what is mounted below it on the host.
bool comes_with_bind_above(const ConfigView& config, std::string_view destination) {
  if (!is_within(destination, "/dev") || destination == "/dev") return false;
  const Mount* dev = config.mount_at("/dev");
  return dev != nullptr && dev->is_bind();
}

bool is_right_kind(const StandardMount& standard, const Mount& mount) {
  if (mount.is_bind()) {
    return standard.bind_source.empty() ||
           is_within(normalise_path(mount.source), standard.bind_source);
  }
  return std::find(standard.types.begin(), standard.types.end(), mount.type) !=
         standard.types.end();
}

std::string mount_fix(const StandardMount& standard) {
  return "let the engine make its default mount at " + std::string(standard.destination);
}

void check_standard_mount(const ConfigView& config, const StandardMount& standard,
                          Findings& findings) {
  const auto report = [&](Severity severity, std::string actual) {
    findings.push_back({standard.rule, severity, std::move(actual), std::string(standard.expected),
                        mount_fix(standard)});
  };
  const Mount* mount = config.mount_at(standard.destination);
  if (mount == nullptr) {
    if (!comes_with_bind_above(config, standard.destination)) {
      report(Severity::kError, "nothing is mounted at " + quote(standard.destination));
    }
    return;
  }
  if (!is_right_kind(standard, *mount)) report(Severity::kError, describe(*mount));
  if (mount->is_readonly() && standard.readonly != WhenReadonly::kFine) {
    report(standard.readonly == WhenReadonly::kFails ? Severity::kError : Severity::kWarning,
           quote(standard.destination) + " is read-only");
  }
  if (const Mount* above = hidden_by(config, *mount)) {
    findings.push_back({rules::kMountOrder, Severity::kError,
                        quote(standard.destination) + " is hidden by the later mount at " +
                            quote(above->destination),
                        "directories before what lies in them",
                        "put the mount at " + above->normalised_destination + " first"});
  }
}

/// Buildpacks and the lifecycle write to /tmp, and buildpacks run programs there.
void check_tmp(const ConfigView& config, Findings& findings) {
  constexpr uint32_t kSticky = 01777;
  const auto report = [&](Severity severity, std::string actual, std::string expected) {
    findings.push_back({rules::kMountTmp, severity, std::move(actual), std::move(expected),
                        "mount a tmpfs there, with nosuid,nodev,mode=1777"});
  };
  const Mount* tmp = config.mount_at("/tmp");
  if (tmp == nullptr) {
    if (config.root_readonly) {
      report(Severity::kWarning, "the root is read-only and nothing is mounted at \"/tmp\"",
             "a writable \"/tmp\"");
    }
    return;
  }
  if (tmp->is_readonly()) report(Severity::kError, "\"/tmp\" is read-only", "a writable \"/tmp\"");
  if (tmp->is_bind()) return;
  const auto mode = option_value(*tmp, "mode");
  if (mode && number(*mode, 8) != kSticky) {
    report(Severity::kError, "\"/tmp\" has mode " + quote(*mode), "1777");
  }
  if (tmp->has_option("noexec")) {
    report(Severity::kWarning, "\"/tmp\" is noexec", "programs that can run there");
  }
}

void check_user_namespace(const ConfigView& config, Findings& findings) {
  if (const Mount* pts = config.mount_at("/dev/pts")) {
    const auto option = option_value(*pts, "gid");
    const auto gid = option ? number(*option, 10) : std::nullopt;
    if (gid && !oci::map_to_host(config.gid_mappings, *gid)) {
      findings.push_back(
          {rules::kMountDevPtsGid, Severity::kError,
           "\"/dev/pts\" has the option gid=" + std::to_string(*gid) + ", which isn't mapped",
           "a mapped group, or no gid option", "remove the option, or map the group"});
    }
  }
  const Mount* sys = config.mount_at("/sys");
  const bool sysfs = sys != nullptr && !sys->is_bind() && sys->type == "sysfs";
  if (sysfs && config.has_namespace("user") && !config.has_namespace("network")) {
    findings.push_back({rules::kMountSysNetwork, Severity::kWarning,
                        "sysfs in a user namespace without a network namespace of its own",
                        "a read-only bind of /sys: the kernel refuses the mount, and runc fails",
                        "bind /sys with rbind,ro, or add a network namespace"});
  }
}

void check_id(const std::vector<oci::IdMapping>& mappings, std::string_view what, uint32_t id,
              Findings& findings) {
  if (oci::map_to_host(mappings, id)) return;
  findings.push_back({rules::kIds, Severity::kError,
                      std::string(what) + " " + std::to_string(id) + " isn't mapped",
                      "an id that is in the user namespace",
                      "add it to the mappings, or run as another user"});
}

void check_ids(const ConfigView& config, Findings& findings) {
  if (!config.has_process) return;
  check_id(config.uid_mappings, "the process's uid", config.user.uid, findings);
  check_id(config.gid_mappings, "the process's gid", config.user.gid, findings);
  for (const gid_t gid : config.user.additional_gids) {
    check_id(config.gid_mappings, "the process's additional gid", gid, findings);
  }
  // The lifecycle chowns /layers and the caches to these.
  const auto check_variable = [&](std::string_view name, const auto& mappings) {
    const auto value = config.env_value(name);
    const auto id = value ? number(*value, 10) : std::nullopt;
    if (id) check_id(mappings, name, *id, findings);
  };
  check_variable("CNB_USER_ID", config.uid_mappings);
  check_variable("CNB_GROUP_ID", config.gid_mappings);
}

}  // namespace

const Mount* hidden_by(const ConfigView& config, const Mount& mount) {
  for (const Mount* later = &mount + 1; later != config.mounts.data() + config.mounts.size();
       ++later) {
    if (later->normalised_destination != mount.normalised_destination &&
        is_within(mount.normalised_destination, later->normalised_destination)) {
      return later;
    }
  }
  return nullptr;
}

Findings verify_mounts(const ConfigView& config) {
  Findings findings;
  for (const StandardMount& standard : kStandardMounts) {
    check_standard_mount(config, standard, findings);
  }
  check_tmp(config, findings);
  check_user_namespace(config, findings);
  check_ids(config, findings);
  return findings;
}

}  // namespace hookcore::environment
