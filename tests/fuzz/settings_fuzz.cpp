// config.toml: settings, or an Error with a line; then the texts of uid_map, passwd and subuid.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/settings/accounts.h"
#include "libhookcore/settings/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    hookcore::settings::Settings settings;
    hookcore::settings::merge_settings(settings, text, "config.toml");
  } catch (const hookcore::Error& error) {
    if (error.where().rfind("config.toml:", 0) != 0) std::abort();
    if (error.line().find('\n') != std::string::npos) std::abort();
  }
  hookcore::settings::outside_uid(text, 1000);
  const std::string home = hookcore::settings::home_directory(text, 1000);
  if (!home.empty() && home[0] != '/') std::abort();
  hookcore::settings::granted_ids(text, hookcore::settings::user_name(text, 1000), 1000);
  return 0;
}
