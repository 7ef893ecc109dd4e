#pragma once

#include <optional>

#include "libhookcore/runtime/adjust.h"
#include "libhookcore/runtime/document.h"

namespace hookcore::runtime {

/// config.json of the container that a call is about, as its runtime read it. Found in the
/// runtime's own state, which is there exactly as long as the container: crun keeps a copy, runc's
/// state.json names the bundle; any other runtime is asked (its command `state`, which
/// runtime-spec's runtime.md demands). nullopt when there is no such container.
std::optional<Document> container_config(const Call& call);

/// The bundle that runc's state.json names; empty when there is none.
std::string bundle_of_runc(const std::string& state_json);

}  // namespace hookcore::runtime
