#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/oci/config.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/settings/settings.h"

/// The guarantee as rules over config.json: what the mount hook refuses and `spec validate` prints.
namespace hookcore::environment {

enum class Severity {
  kError,    ///< the guarantee is broken: strict refuses, `spec validate` exits 1
  kWarning,  ///< works, but likely not as meant
};

struct Finding {
  std::string_view id;  ///< stable, for example "cwd" or "mount-proc"
  Severity severity = Severity::kError;
  std::string_view specification;  ///< where the rule comes from
  std::string actual;              ///< quoted: fit for a line
  std::string expected;
  std::string fix;

  /// "ID: actual, expected …; fix", for a log or an Error.
  std::string line() const;
};

std::string_view name(Severity severity);

/// cwd, environment and ids of the process that the request asks for, then verify_mounts.
std::vector<Finding> verify(const oci::ConfigView& config, const optin::Request& request,
                            const settings::Settings& settings);

/// /proc, /sys, /dev, /dev/pts, /dev/shm, /tmp, and the ids of the process: true of any container.
std::vector<Finding> verify_mounts(const oci::ConfigView& config);

bool has_errors(const std::vector<Finding>& findings);

}  // namespace hookcore::environment
