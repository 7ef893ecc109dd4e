// A createRuntime hook of a RuntimeClass's base_runtime_spec: refuses what the NRI plugin has not
// adjusted.

#include <linux/capability.h>

#include <array>

#include "libhookcore/environment/guard.h"
#include "libhookcore/hook/container.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/sys/process.h"

namespace {

using namespace hookcore;

void guard(report::Log& log) {
  const std::string input = hook::read_stdin(oci::kMaxStateSize, Code::kState);
  sys::keep_capabilities(std::array{CAP_DAC_READ_SEARCH});  // the bundle may be another user's
  const oci::State state = oci::parse_state(input);
  log.set_container(state.id);
  environment::require_adjusted(state, hook::read_config(state).hooks);
}

}  // namespace

int main() { return hook::run_program("oci-cnb-guard", guard); }
