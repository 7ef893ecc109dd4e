#include "libhookcore/environment/finding.h"

#include <algorithm>
#include <utility>

namespace hookcore::environment {

namespace {

std::string summary(const Finding& finding) {
  return finding.actual + ", expected " + finding.expected;
}

}  // namespace

Finding::Finding(const Rule& rule, Severity how_bad, std::string is, std::string should_be,
                 std::string remedy, Code refusal)
    : id(rule.id),
      severity(how_bad),
      specification(rule.specification),
      actual(std::move(is)),
      expected(std::move(should_be)),
      fix(std::move(remedy)),
      code(refusal) {}

std::string Finding::line() const { return std::string(id) + ": " + summary(*this) + "; " + fix; }

Error Finding::error() const { return {code, summary(*this), "rule " + std::string(id), fix}; }

std::string_view name(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

bool has_errors(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::kError; });
}

}  // namespace hookcore::environment
