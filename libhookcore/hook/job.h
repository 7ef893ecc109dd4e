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

/// The value of an annotation, empty when it is absent.
std::string annotation(const oci::State& state, std::string_view key);
/// Whether any annotation is one of ours: everything else is left alone at once.
bool mentions_us(const oci::State& state);
/// The engine may start this container again: podman without --rm. It has annotations that say so.
bool is_restartable(const oci::State& state);

}  // namespace hookcore::hook
