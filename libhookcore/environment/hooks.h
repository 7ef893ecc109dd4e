#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/oci/config.h"
#include "libhookcore/oci/edit.h"

/// Our programs in a document's `hooks`, for engines and runtimes without hooks.d.
namespace hookcore::environment {

inline constexpr std::string_view kMountHook = "oci-cnb-createruntime";
inline constexpr std::string_view kPoststopHook = "oci-cnb-poststop";

/// Who starts the runtime.
enum class Starter {
  kPrivileged,  ///< root, or an engine inside its user namespace: the mount hook is createRuntime
  /// A plain user: crun then makes the container's process undumpable, and a hook outside of it
  /// can't reach its namespaces, so the mount hook is createContainer, which runs inside.
  kPlainUser,
};

/// By whom a bundle will be started that we are preparing: by a plain user, where that is who we
/// are and the bundle makes a user namespace of its own.
Starter starter_of(const oci::ConfigView& config);

/// Adds the mount hook and poststop from directory, which is absolute. A document that names the
/// program already, in whatever stage, is left as it is: adding is idempotent. Throws
/// Error(Code::kUsage) for a directory that can't be named in a document.
void add_hooks(oci::ConfigEditor& editor, const std::string& directory,
               Starter starter = Starter::kPrivileged);

/// Where programs of this installation are looked for, in this order: beside this one,
/// ../libexec/oci-cnb-hooks from there. Throws SystemError.
std::vector<std::string> program_directories();

/// The one of these in which the mount hook is. Throws Error(Code::kUsage) when there are none.
std::string installed_hooks_directory();

/// For a program that runs before the mount hook and from the same directory: engines pass over a
/// hook whose program isn't there. Throws Error(Code::kEnvironment).
void require_mount_hook_beside();

/// The same two hooks for a door that has no document: what is missing in present, by stage.
struct MissingHooks {
  std::optional<oci::Hook> create_runtime;
  std::optional<oci::Hook> poststop;
};
MissingHooks missing_hooks(const oci::Hooks& present, const std::string& directory);

/// Whether createRuntime, createContainer or prestart calls us.
bool has_mount_hook(const oci::Hooks& hooks);

}  // namespace hookcore::environment
