#pragma once

#include "libhookcore/doctor/finding.h"
#include "libhookcore/doctor/machine.h"

namespace hookcore::doctor {

/// What this machine can do, and what keeps it from doing the rest. Throws Error only for what
/// keeps the checks themselves from running.
Findings examine(const Machine& machine);

/// What a container over one directory would get, and what decides about that.
struct WorkspaceReport {
  std::string source;
  std::string source_system;  ///< the file system's type, as mountinfo has it
  std::string scratch;
  std::string scratch_system;
  WayAnswer answer;
  Findings findings;
};
/// source: an absolute path without links.
WorkspaceReport examine_workspace(const Machine& machine, const std::string& source);

bool has_failures(const Findings& findings);

}  // namespace hookcore::doctor
