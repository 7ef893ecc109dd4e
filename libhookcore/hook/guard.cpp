#include "libhookcore/hook/guard.h"

#include <linux/capability.h>

#include <array>

#include "libhookcore/environment/guard.h"
#include "libhookcore/hook/container.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {

void run_guard_hook(report::Log& log) {
  const std::string input = read_stdin(oci::kMaxStateSize, Code::kState);
  sys::keep_capabilities(std::array{CAP_DAC_READ_SEARCH});  // the bundle may be another user's
  const oci::State state = oci::parse_state(input);
  log.set_container(state.id);
  environment::require_adjusted(state, read_config(state).hooks);
}

}  // namespace hookcore::hook
