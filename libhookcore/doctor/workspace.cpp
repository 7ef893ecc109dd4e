// One source directory: which way to a workspace a container over it would be given.
#include "libhookcore/base/error.h"
#include "libhookcore/doctor/checks.h"
#include "libhookcore/doctor/doctor.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kCheck = "workspace";
const char* price_of(Way way) {
  switch (way) {
    case Way::kOverlay:
      return "";
    case Way::kFuse:
      return "slower, and a daemon runs beside the container";
    case Way::kReflink:
      return "made when the container first starts";
    case Way::kCopy:
      break;
  }
  return "the container's start takes as long as the copy";
}

std::string type_of(const std::vector<Mount>& mounts, const std::string& path) {
  const auto mount = mount_of(mounts, path);
  return mount ? mount->type : "unknown";
}

std::string places(const WorkspaceReport& report, bool tmpfs) {
  std::string source = quote(report.source) + " (" + report.source_system + ")";
  if (tmpfs || report.answer.read_only) return source;
  return source + ", scratch " + quote(report.scratch) + " (" + report.scratch_system + ")";
}

std::string taken(const WayAnswer& answer, bool tmpfs) {
  std::string text = name_of(*answer.way);
  if (*answer.way == Way::kCopy) text += ", " + std::to_string(answer.bytes) + " bytes";
  if (answer.read_only) return text + ", read-only as the source is mounted";
  return tmpfs ? text + ", written in memory" : text;
}

// Engines' own containers may well get it.
Finding untried(const WayAnswer& answer, const std::string& where) {
  return warning(kCheck, where + ": " + answer.problem,
                 "AppArmor gives user namespaces to some programs only, so the ways couldn't be "
                 "tried",
                 "run a container with io.cnb.hooks.role=dev over it, and `oci-cnb session list`");
}

Finding judge(const Machine& machine, const WorkspaceReport& report,
              const settings::Settings& settings) {
  const WayAnswer& answer = report.answer;
  const bool tmpfs = settings.defaults.scratch.tmpfs;
  const std::string where = places(report, tmpfs);
  if (!answer.problem.empty()) {
    if (!machine.user.rootful && only_engines_get_namespaces(machine)) {
      return untried(answer, where);
    }
    return failure(kCheck, where + ": " + answer.problem, "a container over it is refused",
                   answer.remedy.empty() ? kGoodScratch : answer.remedy);
  }
  if (!answer.way) {
    return failure(kCheck, where + ": no way to a workspace",
                   "a container over it is refused: " + describe(answer.refusals),
                   remedies(answer.refusals));
  }
  const std::string what = where + ": " + taken(answer, tmpfs);
  if (answer.refusals.empty() || settings.ways.only) return ok(kCheck, what);
  std::string why = describe(answer.refusals) + "; " + price_of(*answer.way);
  if (*answer.way == Way::kFuse && !machine.user.rootful) {
    why += "; crun or runc without an engine start none, and go on to the next way";
  }
  return warning(kCheck, what, why, remedies(answer.refusals));
}

}  // namespace

WorkspaceReport examine_workspace(const Machine& machine, const std::string& source) {
  WorkspaceReport report;
  report.findings = check_settings(machine);
  if (has_failures(report.findings)) return report;
  const settings::Settings settings = load_settings(machine);
  const ScratchPlace scratch = scratch_place(machine, settings);
  const std::vector<Mount> mounts = read_mounts(machine);
  report.source = source;
  report.source_system = type_of(mounts, source);
  report.scratch = scratch.path;
  report.scratch_system = type_of(mounts, scratch.existing);
  const auto mount = mount_of(mounts, source);
  if (mount && mount->shared_by_host) report.findings.push_back(about_share(*mount));
  const Findings owner = check_scratch_owner(machine, scratch);
  report.findings.insert(report.findings.end(), owner.begin(), owner.end());
  if (has_failures(report.findings)) return report;
  report.answer = machine.try_ways({source, scratch.existing, settings.defaults.scratch.tmpfs,
                                    settings.ways, machine.programs, machine.user.rootful});
  report.findings.push_back(judge(machine, report, settings));
  return report;
}

}  // namespace hookcore::doctor
