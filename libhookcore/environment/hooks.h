#pragma once

#include <string>
#include <string_view>

#include "libhookcore/oci/config.h"
#include "libhookcore/oci/edit.h"

/// Our programs in a document's `hooks`, for engines and runtimes without hooks.d.
namespace hookcore::environment {

inline constexpr std::string_view kMountHook = "oci-cnb-createruntime";
inline constexpr std::string_view kPoststopHook = "oci-cnb-poststop";

/// Adds the mount hook (createRuntime) and poststop from directory, which is absolute. A stage that
/// names the program already, wherever it stands, is left as it is: adding is idempotent. Throws
/// Error(Code::kUsage) for a directory that can't be named in a document.
void add_hooks(oci::ConfigEditor& editor, const std::string& directory);

/// Whether createRuntime or prestart calls us.
bool has_mount_hook(const oci::Hooks& hooks);

}  // namespace hookcore::environment
