#pragma once

#include "libhookcore/doctor/finding.h"
#include "libhookcore/doctor/machine.h"

namespace hookcore::doctor {

/// What this machine can do, and what keeps it from doing the rest. Throws Error only for what
/// keeps the checks themselves from running.
Findings examine(const Machine& machine);
bool has_failures(const Findings& findings);

}  // namespace hookcore::doctor
