// A createRuntime hook of a RuntimeClass's base_runtime_spec: refuses what the NRI plugin has not
// adjusted.

#include "libhookcore/environment/guard.h"
#include "libhookcore/hook/container.h"
#include "libhookcore/hook/program.h"

namespace {

using namespace hookcore;

void guard(report::Log& log) {
  const oci::State state = oci::parse_state(hook::read_stdin(oci::kMaxStateSize, Code::kState));
  log.set_container(state.id);
  environment::require_adjusted(state, hook::read_config(state).hooks);
}

}  // namespace

int main() { return hook::run_program("oci-cnb-guard", guard); }
