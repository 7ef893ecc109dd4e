// Where the hooks keep what containers write.
#include <sys/statvfs.h>

#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/doctor/checks.h"
#include "libhookcore/session/store.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kCheck = "scratch";
constexpr uint64_t kLittleRoom = uint64_t{64} << 20;
constexpr uint64_t kNoRoom = uint64_t{1} << 20;
constexpr uint64_t kFewFiles = 1000;

/// The directory itself, or the nearest one above it that is there.
std::string existing(const Files& files, std::string path) {
  while (path.size() > 1 && !files.stat(path)) path = parent_path(path);
  return path;
}

Finding judge_way(const ScratchPlace& scratch, const WayAnswer& answer,
                  const settings::Settings& settings) {
  const std::string path =
      scratch.path + (scratch.existing == scratch.path ? "" : " (not made yet)");
  if (!answer.problem.empty()) {
    return failure(kCheck, path + ": " + answer.problem,
                   "the hooks keep there what containers write",
                   answer.remedy.empty() ? "set scratch-dir in config.toml to a directory of yours"
                                         : answer.remedy);
  }
  if (!answer.way) {
    return failure(kCheck, path + ": " + describe(answer.refusals),
                   "no container could write its workspace", remedies(answer.refusals));
  }
  if (settings.defaults.scratch.tmpfs) {
    return ok(kCheck, path + ": containers write to memory, as config.toml says");
  }
  if (*answer.way == Way::kOverlay) {
    return ok(kCheck, path + ": its file system can be an overlay's upper");
  }
  const std::string what = path + ": workspaces are made by " + name_of(*answer.way);
  if (settings.ways.only) return ok(kCheck, what);
  return warning(kCheck, what, describe(answer.refusals), remedies(answer.refusals));
}

std::optional<Finding> check_room(const Machine& machine, const ScratchPlace& scratch) {
  const auto directory = machine.files.open_directory(scratch.existing);
  struct ::statvfs room {};
  if (!directory || ::fstatvfs(directory->get(), &room) != 0) return std::nullopt;
  const uint64_t bytes = uint64_t{room.f_bavail} * room.f_frsize;
  const bool counts_files = room.f_files > 0;
  std::string what = scratch.path + ": " + std::to_string(bytes >> 20) + " MiB are free";
  if (counts_files && room.f_favail < kFewFiles) {
    what = scratch.path + ": there is room for " + std::to_string(room.f_favail) + " more files";
  } else if (bytes >= kLittleRoom) {
    return std::nullopt;
  }
  const std::string mend =
      "`oci-cnb session list` and `oci-cnb session rm`, or scratch-dir in "
      "config.toml on another disk";
  if (bytes < kNoRoom || (counts_files && room.f_favail < 100)) {
    return failure(kCheck, what, "a container that opts in can't start, or not write", mend);
  }
  return warning(kCheck, what, "containers soon can't write their workspace", mend);
}

}  // namespace

std::string remedies(const std::vector<WayRefusal>& refusals) {
  const std::string text = join_remedies(refusals);
  return text.empty() ? kGoodScratch : text;
}

const char* name_of(Way way) {
  switch (way) {
    case Way::kOverlay:
      return "the kernel's overlay";
    case Way::kFuse:
      return "fuse-overlayfs";
    case Way::kReflink:
      return "a copy that shares the source's blocks";
    case Way::kCopy:
      break;
  }
  return "a copy of the visible files";
}

ScratchPlace scratch_place(const Machine& machine, const settings::Settings& settings) {
  ScratchPlace place;
  place.path = settings.scratch_dir.value_or(
      session::default_root(machine.user.rootful, machine.user.uid, machine.home));
  place.existing = existing(machine.files, place.path);
  return place;
}

Findings check_scratch_owner(const Machine& machine, const ScratchPlace& scratch) {
  if (scratch.existing != scratch.path) return {};
  const std::string others = untrusted(machine, *machine.files.stat(scratch.path));
  if (others.empty()) return {};
  return {failure("scratch", scratch.path + " " + others,
                  "others could change it under a running container, so the hooks refuse it",
                  "chown it to uid " + std::to_string(machine.user.uid) + " and chmod 0700")};
}

ScratchReport check_scratch(const Machine& machine) {
  ScratchReport report;
  settings::Settings settings;
  try {
    settings = load_settings(machine);
  } catch (const Error&) {
    return report;  // check_settings tells
  }
  const ScratchPlace scratch = scratch_place(machine, settings);
  report.findings = check_scratch_owner(machine, scratch);
  if (!report.findings.empty()) return report;
  const WayAnswer answer =
      machine.try_ways({"", scratch.existing, settings.defaults.scratch.tmpfs, settings.ways,
                        machine.programs, machine.user.rootful});
  report.served = answer.way.has_value();
  report.findings.push_back(judge_way(scratch, answer, settings));
  if (auto room = check_room(machine, scratch)) report.findings.push_back(*room);
  return report;
}

}  // namespace hookcore::doctor
