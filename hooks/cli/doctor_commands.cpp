// oci-cnb doctor: what this machine can do, and the command that mends what it can't.
#include "hooks/cli/doctor_commands.h"

#include <fcntl.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "hooks/cli/bug_report.h"
#include "hooks/cli/json_output.h"
#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/doctor/doctor.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/process.h"

namespace hookcore::cli {
namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Status;

struct Options {
  std::string directory;
  bool json = false;
  bool report = false;
};

/// The hooks' directory, or where it should be.
std::string hooks_directory() {
  try {
    return environment::installed_hooks_directory();
  } catch (const Error&) {
    return environment::program_directories().back();
  }
}

/// This machine, and podman as it would start from here.
doctor::Machine this_machine() {
  doctor::Machine machine = doctor::this_machine(hooks_directory());
  for (const char* variable : {"CONTAINERS_CONF", "CONTAINERS_CONF_OVERRIDE", "XDG_CONFIG_HOME"}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != 0) machine.environment[variable] = value;
  }
  return machine;
}

std::string_view name(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kWarning:
      return "warn";
    case Status::kFailure:
      break;
  }
  return "fail";
}

std::string_view colour(Status status) {
  switch (status) {
    case Status::kOk:
      return style().green;
    case Status::kWarning:
      return style().bold;
    case Status::kFailure:
      break;
  }
  return style().red;
}

size_t count(const Findings& findings, Status status) {
  size_t number = 0;
  for (const Finding& finding : findings) number += finding.status == status ? 1 : 0;
  return number;
}

void print_text(const Findings& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    const std::string_view status = name(finding.status);
    text.append(colour(finding.status)).append(status).append(style().reset);
    text.append(5 - status.size(), ' ').append(finding.check).append(": ");
    text.append(printable(finding.what)).append("\n");
    if (!finding.why.empty()) text.append("     why:  ").append(finding.why).append("\n");
    if (!finding.mend.empty()) text.append("     mend: ").append(finding.mend).append("\n");
  }
  text += std::to_string(count(findings, Status::kOk)) + " ok, " +
          std::to_string(count(findings, Status::kWarning)) + " warnings, " +
          std::to_string(count(findings, Status::kFailure)) + " failures\n";
  print(text);
}

Json to_json(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"status", name(finding.status)},
                    {"check", finding.check},
                    {"what", finding.what},
                    {"why", finding.why},
                    {"mend", finding.mend}});
  }
  return {
      {"version", OCI_CNB_VERSION}, {"ok", !doctor::has_failures(findings)}, {"findings", list}};
}

Json to_json(const doctor::WorkspaceReport& report) {
  Json workspace;
  put_name(workspace, "source", report.source);
  workspace["source_file_system"] = report.source_system;
  put_name(workspace, "scratch", report.scratch);
  workspace["scratch_file_system"] = report.scratch_system;
  const auto& answer = report.answer;
  workspace["way"] = answer.way ? Json(name(*answer.way)) : Json(nullptr);
  workspace["read_only"] = answer.read_only;
  workspace["copied_bytes"] = answer.bytes;
  workspace["refused"] = Json::array();
  for (const WayRefusal& refusal : answer.refusals) {
    workspace["refused"].push_back({{"way", name(refusal.way)}, {"why", refusal.reason}});
  }
  Json json = to_json(report.findings);
  json["workspace"] = std::move(workspace);
  return json;
}

Findings examine_machine(const doctor::Machine& machine, const Options& options) {
  Findings findings = doctor::examine(machine);
  if (options.report) {
    print_json(bug_report(to_json(findings)));
  } else {
    options.json ? print_json(to_json(findings)) : print_text(findings);
  }
  return findings;
}

Findings examine_directory(const doctor::Machine& machine, const Options& options) {
  const sys::UniqueFd directory =
      sys::open_named(options.directory, O_PATH | O_DIRECTORY, Code::kUsage);
  const std::string source = sys::Proc::open().path_of(directory.get());
  doctor::WorkspaceReport report = doctor::examine_workspace(machine, source);
  options.json ? print_json(to_json(report)) : print_text(report.findings);
  return report.findings;
}

}  // namespace

void add_doctor_command(Command app, int& exit_code) {
  const Command command =
      app.command("doctor", "What this machine can do, and how to mend what it can't");
  const auto options = std::make_shared<Options>();
  const Option json = command.flag("--json", options->json, "JSON on stdout");
  const Option directory =
      command.option("DIR", options->directory,
                     "A source directory: only how a container over it gets its workspace");
  command
      .flag("--report", options->report,
            "All that a bug report needs, as JSON: findings, settings, sessions and the end of "
            "the log. It names directories: read it before you send it")
      .excludes(json)
      .excludes(directory);
  command.callback([options, &exit_code] {
    const doctor::Machine machine = this_machine();
    const Findings findings = options->directory.empty() ? examine_machine(machine, *options)
                                                         : examine_directory(machine, *options);
    exit_code = doctor::has_failures(findings) ? 1 : 0;
  });
}

}  // namespace hookcore::cli
