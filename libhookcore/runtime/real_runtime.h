#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libhookcore/runtime/arguments.h"

/// The runtime for which oci-cnb-runtime stands.
namespace hookcore::runtime {

struct RealRuntime {
  std::string path;
  Dialect dialect = Dialect::kGo;
};

/// called_as: argv[0]; one that ends in "oci-cnb-runtime.NAME" asks for the runtime NAME, else
/// configured (settings::Settings::runtime) counts, else the first of runc and crun that is there.
/// Names are looked for in kProgramDirectories, not in PATH, which belongs to the engine. Throws
/// Error(Code::kSettings) when there is none, and for one that is this program, by whatever link or
/// copy, or a script that calls it.
RealRuntime find_runtime(std::string_view called_as, const std::optional<std::string>& configured);

inline constexpr std::string_view kProgramName = "oci-cnb-runtime";
inline constexpr std::string_view kProgramDirectories[] = {"/usr/bin",
                                                           "/usr/sbin",
                                                           "/usr/local/bin",
                                                           "/usr/local/sbin",
                                                           "/bin",
                                                           "/sbin",
                                                           "/run/current-system/sw/bin"};

}  // namespace hookcore::runtime
