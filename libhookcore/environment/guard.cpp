#include "libhookcore/environment/guard.h"

#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/optin/annotations.h"

namespace hookcore::environment {

bool has_guard(const oci::Hooks& hooks) {
  return std::any_of(hooks.create_runtime.begin(), hooks.create_runtime.end(),
                     [](const oci::Hook& hook) { return base_name(hook.path) == kGuardHook; });
}

void require_adjusted(const oci::State& state, const oci::Hooks& hooks) {
  if (optin::is_sandbox(state.annotations)) return;
  const std::string container = "container " + quote(state.id);
  if (state.id.empty() || optin::value_of(state.annotations, kAdjustedKey) != state.id) {
    throw Error(Code::kEnvironment, "the NRI plugin has not adjusted this container", container,
                "see that oci-cnb-nri is running and connected, and that the pod has the "
                "annotation io.cnb.hooks.role");
  }
  if (!has_mount_hook(hooks)) {
    throw Error(Code::kEnvironment, "config.json names no mount hook", container,
                "another NRI plugin has removed what oci-cnb-nri added");
  }
}

}  // namespace hookcore::environment
