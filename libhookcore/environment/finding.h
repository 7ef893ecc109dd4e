#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/environment/rules.h"

namespace hookcore::environment {

enum class Severity {
  kError,    ///< the guarantee is broken: strict refuses, `spec validate` exits 1
  kWarning,  ///< works, but likely not as meant
};

/// One rule that a document breaks. Text from the document is quoted in it: fit for a line.
struct Finding {
  Finding(const Rule& rule, Severity severity, std::string actual, std::string expected,
          std::string fix, Code code = Code::kEnvironment);

  std::string_view id;  ///< the rule's
  Severity severity;
  std::string_view specification;  ///< the rule's
  std::string actual;
  std::string expected;
  std::string fix;
  Code code;  ///< what a strict container is refused with

  /// "ID: ACTUAL, expected EXPECTED; FIX", for a log.
  std::string line() const;
  Error error() const;
};

using Findings = std::vector<Finding>;

std::string_view name(Severity severity);
bool has_errors(const Findings& findings);

}  // namespace hookcore::environment
