#pragma once

#include <string>

#include "libhookcore/doctor/finding.h"
#include "libhookcore/doctor/machine.h"

namespace hookcore::doctor {

/// NRI as an engine's configuration has it.
struct NriOf {
  std::string engine;       ///< for people
  bool needed = false;      ///< handlers of ours start nothing without the plugin
  bool off = false;         ///< in the configuration
  std::string socket = {};  ///< empty: NRI's own
  std::string switch_on;    ///< where and how
  std::string restart;      ///< the command that makes the engine read its configuration
};

/// Whether the plugin is connected where it is needed, and whether others may write to the socket.
Findings check_nri(const Machine& machine, const NriOf& nri);

}  // namespace hookcore::doctor
