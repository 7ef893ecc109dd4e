#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hookcore::environment {

/// The lifecycle's phase that a process is, by the name of its program ("builder"); empty for
/// anything else. Known as the lifecycle knows itself (buildpacks/lifecycle,
/// cmd/lifecycle/main.go): by the program's name, or by the command of `lifecycle`. An init that
/// the engine puts in front is passed over. A script that calls a phase isn't seen.
std::string_view lifecycle_phase(const std::vector<std::string>& args);

/// Whether a phase is a part of a build, whose parts hand on what they write by /workspace and
/// /layers. The creator isn't: it is a build in one process.
bool is_part_of_build(std::string_view phase);

}  // namespace hookcore::environment
