#pragma once

#include <optional>
#include <string>

#include "hooks/cli/json_output.h"
#include "libhookcore/environment/finding.h"
#include "libhookcore/optin/request.h"

namespace hookcore::cli {

/// What `oci-cnb spec validate` says of one document.
struct SpecReport {
  std::string where;
  bool is_sandbox = false;                ///< of a pod: nothing was checked
  std::optional<optin::Request> request;  ///< none: not opted in, only mounts were checked
  environment::Findings findings;
};

/// Four lines a finding, errors first, and a summary.
std::string text_report(const SpecReport& report);
/// {"document", "role" (null: not opted in), "errors", "warnings", "findings": [{"id", "severity",
/// "specification", "actual", "expected", "fix"}]}. Keys are stable.
Json json_report(const SpecReport& report);

/// Every rule: id, what it demands, where it comes from.
std::string text_rules();
/// [{"id", "meaning", "specification"}]
Json json_rules();

}  // namespace hookcore::cli
