#include "libhookcore/hook/job.h"

namespace hookcore::hook {

std::string annotation(const oci::State& state, std::string_view key) {
  const auto found = state.annotations.find(key);
  return found == state.annotations.end() ? "" : found->second;
}

bool mentions_us(const oci::State& state) {
  const auto first = state.annotations.lower_bound(optin::kPrefix);
  return first != state.annotations.end() && first->first.starts_with(optin::kPrefix);
}

bool is_restartable(const oci::State& state) {
  return annotation(state, "io.container.manager") == "libpod" &&
         annotation(state, "io.podman.annotations.autoremove") != "TRUE";
}

}  // namespace hookcore::hook
