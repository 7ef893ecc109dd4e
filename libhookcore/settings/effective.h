#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/settings/settings.h"

/// The configuration as people look at it and change it; hooks have no use for this.
namespace hookcore::settings {

/// One key, and where its value comes from.
struct Effective {
  std::string_view key;
  std::string value;  ///< as config.toml would have it; empty: none is set, and there is no default
  std::string file;   ///< empty: the default
  unsigned line = 0;
};

/// Every key, in the order of the documentation. Throws as load_settings does: what a container
/// would be refused for is told, not shown.
std::vector<Effective> effective_settings(const HostUser& user, const SettingsFiles& files);

/// A key and what it is to be; nullopt: the default.
struct Change {
  std::string key;
  std::optional<std::string> value;
};

/// text of a config.toml after these changes: every byte that they don't concern stays. A new key
/// goes below the line that shows it behind a "#", else to the end. file names it in messages.
/// Throws Error(kSettings) for an unknown key, unless it is taken out and was there, for a bad
/// value, and for a text that isn't valid afterwards.
std::string change_settings(std::string text, const std::vector<Change>& changes,
                            const std::string& file);

}  // namespace hookcore::settings
