#pragma once

#include <string>
#include <vector>

#include "libhookcore/changes/subject.h"

namespace hookcore::cli {

struct ApplyOptions {
  std::vector<std::string> patterns;  ///< none: everything
  bool yes = false;
  bool force = false;
  bool dry_run = false;
};

/// `oci-cnb session apply`: shows the changes, asks, and brings them to the source. False where
/// something was refused or left out.
bool apply_changes(const changes::Subject& subject, const ApplyOptions& options);

}  // namespace hookcore::cli
