#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libhookcore/base/way.h"

namespace hookcore::doctor {

/// A container over a source directory, as far as it decides about its workspace.
struct WayQuestion {
  std::string source;   ///< absolute; empty: a directory beside the scratch
  std::string scratch;  ///< a directory where the store is, or is to be
  bool tmpfs = false;   ///< the upper lies in memory
  WayPolicy policy;
  std::string programs;  ///< as in Machine
  bool rootful = true;
};

struct WayAnswer {
  std::optional<Way> way;  ///< nullopt: none serves, or `problem`
  std::vector<WayRefusal> refusals;
  bool read_only = false;  ///< the source is mounted so: no upper
  uint64_t bytes = 0;      ///< that a plain copy would take
  std::string problem;     ///< why a container is refused whichever way; empty: it isn't
  std::string remedy;      ///< of that
};

/// Tries the ways in their order, with what the mount hook tries them with, in a process with
/// namespaces of its own, and below a directory in `scratch`. Nothing of it outlives the call. Call
/// it while the process has one thread.
WayAnswer try_ways(const WayQuestion& question);

}  // namespace hookcore::doctor
