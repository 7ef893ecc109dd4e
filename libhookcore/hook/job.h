#pragma once

#include <string>

#include "libhookcore/hook/container.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/oci/state.h"
#include "libhookcore/optin/request.h"

namespace hookcore::hook {

/// All that a mount hook reads before it enters a container that has opted in.
struct Job {
  oci::State state;
  optin::Request request;
  Home home;
  oci::ConfigView config;
  Stage stage = Stage::kRuntime;
  pid_t pid = 0;  ///< the container's first process on the host
};

}  // namespace hookcore::hook
