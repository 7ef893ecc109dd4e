#pragma once

#include <string>

#include "libhookcore/engines/podman.h"
#include "libhookcore/node/install.h"

/// What makes an engine call our hooks: planned here, made by node::install and node::uninstall.
namespace hookcore::engines {

enum class Engine { kPodman, kContainerd, kCrio, kDocker };

struct Request {
  Engine engine = Engine::kPodman;
  PodmanRequest podman;
  node::Request node;           ///< for containerd and CRI-O
  std::string runtime_program;  ///< oci-cnb-runtime, as Docker will find it
};

/// Throws Error: see the engines' own; a program that isn't at the path by which the engine will
/// call it (engines run a container without a hook that is missing, and say nothing).
node::Plan plan_install(const node::Host& host, const Request& request);
node::Plan plan_uninstall(const node::Host& host, const Request& request);

}  // namespace hookcore::engines
