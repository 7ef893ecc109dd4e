// oci-cnb doctor: what this machine can do, and the command that mends what it can't.
#include "hooks/cli/doctor_commands.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <string>

#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/doctor/doctor.h"

namespace hookcore::cli {
namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Status;

/// The hooks' directory as installed; in a build tree they lie beside this program.
std::string programs_directory() {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  if (size < 0) throw SystemError("readlink", "/proc/self/exe", errno);
  const std::string self(buffer.data(), static_cast<size_t>(size));
  std::string beside = self.substr(0, self.rfind('/'));
  if (::access((beside + "/oci-cnb-createruntime").c_str(), F_OK) == 0) return beside;
  const std::string parent = beside.substr(0, beside.rfind('/'));
  return normalise_path(parent + "/libexec/oci-cnb-hooks");
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

void print_findings_json(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"status", name(finding.status)},
                    {"check", finding.check},
                    {"what", finding.what},
                    {"why", finding.why},
                    {"mend", finding.mend}});
  }
  print_json(
      {{"version", OCI_CNB_VERSION}, {"ok", !doctor::has_failures(findings)}, {"findings", list}});
}

}  // namespace

void add_doctor_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("doctor", "What this machine can do, and how to mend what it can't");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "JSON on stdout");
  command->callback([as_json, &exit_code] {
    const Findings findings = doctor::examine(doctor::this_machine(programs_directory()));
    *as_json ? print_findings_json(findings) : print_text(findings);
    exit_code = doctor::has_failures(findings) ? 1 : 0;
  });
}

}  // namespace hookcore::cli
