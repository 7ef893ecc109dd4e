#include "libhookcore/environment/hooks.h"

#include <algorithm>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"

namespace hookcore::environment {

namespace {

bool names(const std::vector<oci::Hook>& stage, std::string_view program) {
  return std::any_of(stage.begin(), stage.end(), [&](const oci::Hook& hook) {
    const std::string_view path = hook.path;
    return path.substr(path.rfind('/') + 1) == program;
  });
}

/// The environment is never empty: Go drops an empty array, and runtimes take an absent one for
/// "inherit", which under old versions of runc means the container's (CVE-2025-23266).
oci::Hook hook(const std::string& directory, std::string_view program) {
  return {
      directory + "/" + std::string(program), {std::string(program)}, {"PATH=/usr/bin:/bin"}, {}};
}

}  // namespace

void add_hooks(oci::ConfigEditor& editor, const std::string& directory, Starter starter) {
  if (!directory.starts_with('/') || has_control_bytes(directory)) {
    throw Error(Code::kUsage, "the hooks' directory has to be an absolute path", quote(directory));
  }
  const oci::Hooks& present = editor.view().hooks;
  if (!has_mount_hook(present)) {
    oci::Hook mount_hook = hook(directory, kMountHook);
    if (starter == Starter::kPlainUser) {
      mount_hook.args.emplace_back("--stage=createContainer");
      editor.append_hook(oci::Stage::kCreateContainer, std::move(mount_hook));
    } else {
      editor.append_hook(oci::Stage::kCreateRuntime, std::move(mount_hook));
    }
  }
  if (!names(present.poststop, kPoststopHook)) {
    editor.append_hook(oci::Stage::kPoststop, hook(directory, kPoststopHook));
  }
}

bool has_mount_hook(const oci::Hooks& hooks) {
  return names(hooks.create_runtime, kMountHook) || names(hooks.create_container, kMountHook) ||
         names(hooks.prestart, "oci-cnb-prestart");
}

}  // namespace hookcore::environment
