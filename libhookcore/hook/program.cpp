#include "libhookcore/hook/program.h"

#include <unistd.h>

#include "libhookcore/session/store.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {
namespace {

std::string store_root(const settings::HostUser& user, const settings::Settings& settings) {
  return settings.scratch_dir.value_or(session::default_root(user.rootful, user.uid, user.home));
}

}  // namespace

Home Home::find() {
  Home home;
  home.user = settings::find_host_user();
  home.settings = settings::load_settings(home.user);
  home.store_root = hook::store_root(home.user, home.settings);
  return home;
}

// For errors that come before, or from, the settings: the place that holds without them.
sys::UniqueFd log_directory() {
  const settings::HostUser user = settings::find_host_user();
  settings::Settings settings;
  try {
    settings = settings::load_settings(user);
  } catch (const Error&) {
    settings = {};
  }
  return session::Store::open(store_root(user, settings)).log_directory();
}

int run_program(const char* name, void (*body)(report::Log& log)) {
  report::Log log(name, log_directory);
  try {
    sys::isolate_process();
    body(log);
    return 0;
  } catch (const std::exception& exception) {
    const Error error = as_error(exception);
    log.failure(error);
    return hook_exit_code(error.code());
  }
}

std::string read_stdin(size_t max, Code code) {
  return sys::read_all(STDIN_FILENO, max, "standard input", code);
}

}  // namespace hookcore::hook
