#include "hooks/cli/spec_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hooks/cli/output.h"
#include "libhookcore/environment/rules.h"

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

std::string subject(const SpecReport& report) {
  if (report.is_sandbox) return "a pod's sandbox, which holds nobody's container";
  if (report.request) return "role " + std::string(optin::name(report.request->role));
  const auto& all = report.findings;
  const bool broken = std::any_of(all.begin(), all.end(), [](const Finding& finding) {
    return finding.id == environment::rules::kAnnotation.id;
  });
  return broken ? "its annotations can't be read: standard mounts and ids only"
                : "not opted in, standard mounts and ids only";
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
    const bool error = finding.severity == Severity::kError;
    text.append(style().bold).append(error ? style().red : std::string_view());
    text.append(environment::name(finding.severity)).append(" ").append(finding.id);
    text.append(style().reset);
    text += ": " + finding.actual + "\n  expected: " + finding.expected +
            "\n  fix:      " + finding.fix + "\n";
    text.append(style().dim).append("  rule:     ").append(finding.specification);
    text.append(style().reset).append("\n");
  }
  text += printable(report.where) + ": ";
  text += subject(report) + ": " + counted(count(report.findings, Severity::kError), "error") +
          ", " + counted(count(report.findings, Severity::kWarning), "warning") + "\n";
  return text;
}

Json json_report(const SpecReport& report) {
  Json document;
  put_name(document, "document", report.where);
  document["role"] = report.request ? Json(optin::name(report.request->role)) : Json();
  document["errors"] = count(report.findings, Severity::kError);
  document["warnings"] = count(report.findings, Severity::kWarning);
  document["findings"] = Json::array();
  for (const Finding& finding : errors_first(report.findings)) {
    document["findings"].push_back({{"id", finding.id},
                                    {"severity", environment::name(finding.severity)},
                                    {"specification", finding.specification},
                                    {"actual", finding.actual},
                                    {"expected", finding.expected},
                                    {"fix", finding.fix}});
  }
  return document;
}

std::string text_rules() {
  std::string text;
  for (const environment::Rule& rule : environment::kRules) {
    text.append(style().bold).append(rule.id).append(style().reset);
    text.append(": ").append(rule.meaning).append("\n");
    text.append(style().dim).append("  rule: ").append(rule.specification);
    text.append(style().reset).append("\n");
  }
  return text;
}

Json json_rules() {
  Json list = Json::array();
  for (const environment::Rule& rule : environment::kRules) {
    list.push_back(
        {{"id", rule.id}, {"meaning", rule.meaning}, {"specification", rule.specification}});
  }
  return list;
}

}  // namespace hookcore::cli
