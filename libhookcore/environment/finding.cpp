#include "libhookcore/environment/finding.h"

#include <algorithm>

namespace hookcore::environment {

namespace {

std::string summary(const Finding& finding) {
  return finding.actual + ", expected " + finding.expected;
}

}  // namespace

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
