#include "hooks/cli/spec_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace hookcore::cli {

namespace {

using environment::Finding;
using environment::Findings;
using environment::Severity;

size_t count(const Findings& findings, Severity severity) {
  return static_cast<size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [&](const Finding& finding) { return finding.severity == severity; }));
}

std::string counted(size_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

Findings errors_first(Findings findings) {
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  return findings;
}

}  // namespace

std::string text_report(const SpecReport& report) {
  std::string text;
  for (const Finding& finding : errors_first(report.findings)) {
    text += std::string(environment::name(finding.severity)) + " " + std::string(finding.id) +
            ": " + finding.actual + "\n  expected: " + finding.expected +
            "\n  fix:      " + finding.fix + "\n  rule:     " + std::string(finding.specification) +
            "\n";
  }
  text += report.where + ": ";
  text += report.request ? "role " + std::string(optin::name(report.request->role))
                         : "not opted in, standard mounts and ids only";
  text += ": " + counted(count(report.findings, Severity::kError), "error") + ", " +
          counted(count(report.findings, Severity::kWarning), "warning") + "\n";
  return text;
}

std::string json_report(const SpecReport& report) {
  using Json = nlohmann::ordered_json;
  Json findings = Json::array();
  for (const Finding& finding : errors_first(report.findings)) {
    findings.push_back({{"id", finding.id},
                        {"severity", environment::name(finding.severity)},
                        {"specification", finding.specification},
                        {"actual", finding.actual},
                        {"expected", finding.expected},
                        {"fix", finding.fix}});
  }
  const Json role = report.request ? Json(optin::name(report.request->role)) : Json();
  const Json document = {{"document", report.where},
                         {"role", role},
                         {"errors", count(report.findings, Severity::kError)},
                         {"warnings", count(report.findings, Severity::kWarning)},
                         {"findings", findings}};
  // A path may be any bytes; JSON may not.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hookcore::cli
