// What no hook can see any more, but a document shows: mounts that are lost, and id mappings that
// the kernel refuses.
#include <algorithm>
#include <array>

#include "libhookcore/base/path.h"
#include "libhookcore/environment/verify.h"

namespace hookcore::environment {

namespace {

using oci::ConfigView;
using oci::IdMapping;
using oci::Mount;

/// What verify_mounts speaks of. /sys may be read-only.
constexpr std::array<std::string_view, 6> kStandardPaths = {"/proc",    "/dev", "/dev/pts",
                                                            "/dev/shm", "/tmp", "/sys"};

bool is_standard(const Mount& mount) {
  return std::find(kStandardPaths.begin(), kStandardPaths.end(), mount.normalised_destination) !=
         kStandardPaths.end();
}

void check_hidden(const ConfigView& config, const Mount& mount, Findings& findings) {
  const Mount* above = hidden_by(config, mount);
  if (above == nullptr) return;
  findings.push_back(
      {rules::kMountOrder, Severity::kWarning,
       quote(mount.destination) + " is hidden by the later mount at " + quote(above->destination),
       "directories before what lies in them",
       "put the mount at " + quote(above->normalised_destination) + " first"});
}

void check_twice(const ConfigView& config, const Mount& mount, Findings& findings) {
  if (config.mount_at(mount.normalised_destination) == &mount) return;
  findings.push_back({rules::kMountTwice, Severity::kWarning,
                      "a later mount at " + quote(mount.normalised_destination) +
                          " hides the one of " + quote(mount.source),
                      "one mount at a place", "remove the one that isn't meant"});
}

void check_mounts(const ConfigView& config, std::string_view workspace, Findings& findings) {
  for (const Mount& mount : config.mounts) {
    check_twice(config, mount, findings);
    const bool judged_already = is_standard(mount) || mount.normalised_destination == workspace;
    if (!judged_already || mount.normalised_destination == "/tmp") {
      check_hidden(config, mount, findings);
    }
  }
}

void check_covered(const std::vector<std::string>& paths, Severity severity, std::string_view how,
                   Findings& findings) {
  for (const std::string& path : paths) {
    for (const std::string_view standard : kStandardPaths) {
      if (!is_within(standard, normalise_path(path))) continue;
      if (severity == Severity::kWarning && standard == "/sys") continue;
      findings.push_back({rules::kMaskedPath, severity,
                          quote(standard) + std::string(how) + quote(path),
                          "the standard mounts as they were made",
                          "take the path out of linux.maskedPaths and linux.readonlyPaths"});
    }
  }
}

using Start = uint32_t IdMapping::*;

/// The kernel takes no mapping of nothing, and none that meets another on either side.
bool overlap(const IdMapping& a, const IdMapping& b, Start start) {
  return a.*start < uint64_t{b.*start} + b.size && b.*start < uint64_t{a.*start} + a.size;
}

bool is_refused(const std::vector<IdMapping>& mappings) {
  for (auto a = mappings.begin(); a != mappings.end(); ++a) {
    if (a->size == 0) return true;
    const bool meets = std::any_of(a + 1, mappings.end(), [&](const IdMapping& b) {
      return overlap(*a, b, &IdMapping::container_id) || overlap(*a, b, &IdMapping::host_id);
    });
    if (meets) return true;
  }
  return false;
}

bool makes_user_namespace(const ConfigView& config) {
  return std::any_of(
      config.namespaces.begin(), config.namespaces.end(),
      [](const oci::Namespace& one) { return one.type == "user" && one.path.empty(); });
}

void check_mappings(const ConfigView& config, Findings& findings) {
  const auto report = [&](Severity severity, std::string actual, std::string expected,
                          std::string fix) {
    findings.push_back(
        {rules::kIdMappings, severity, std::move(actual), std::move(expected), std::move(fix)});
  };
  for (const auto& [mappings, name] : {std::pair(&config.uid_mappings, "linux.uidMappings"),
                                       std::pair(&config.gid_mappings, "linux.gidMappings")}) {
    if (is_refused(*mappings)) {
      report(Severity::kError, std::string(name) + " has mappings that are empty or overlap",
             "each id once: the kernel refuses the others", "correct the mappings");
    }
    if (mappings->empty() && makes_user_namespace(config)) {
      report(Severity::kWarning, "a new user namespace without " + std::string(name),
             "mappings: runc fails without, crun makes some of its own", "add mappings");
    }
    if (!mappings->empty() && !config.has_namespace("user")) {
      report(Severity::kWarning, std::string(name) + " without a user namespace",
             "a namespace of type user: runc fails without", "add it to linux.namespaces");
    }
  }
}

}  // namespace

Findings verify_document(const ConfigView& config, std::string_view workspace) {
  Findings findings;
  check_mounts(config, workspace, findings);
  check_covered(config.masked_paths, Severity::kError, " is masked by ", findings);
  check_covered(config.readonly_paths, Severity::kWarning, " is made read-only by ", findings);
  check_mappings(config, findings);
  return findings;
}

}  // namespace hookcore::environment
