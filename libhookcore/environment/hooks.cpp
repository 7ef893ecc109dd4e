#include "libhookcore/environment/hooks.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"

namespace hookcore::environment {

namespace {

/// Where hooks are installed, seen from the directory of `oci-cnb` and `oci-cnb-runtime`.
constexpr const char* kLibexec = "../libexec/oci-cnb-hooks";

bool is_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

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

std::string installed_hooks_directory() {
  const std::unique_ptr<char, decltype(&std::free)> program(::realpath("/proc/self/exe", nullptr),
                                                            &std::free);
  if (program == nullptr) throw SystemError("realpath", "/proc/self/exe", errno);
  const std::string path = program.get();
  const std::string beside = path.substr(0, path.rfind('/'));
  for (const std::string& directory : {beside, beside + "/" + kLibexec}) {
    if (is_file(directory + "/" + std::string(kMountHook))) return normalise_path(directory);
  }
  throw Error(Code::kUsage, std::string(kMountHook) + " isn't installed with this program",
              quote(beside), "name its directory with --hooks-dir DIR, or install it there");
}

bool has_mount_hook(const oci::Hooks& hooks) {
  return names(hooks.create_runtime, kMountHook) || names(hooks.create_container, kMountHook) ||
         names(hooks.prestart, "oci-cnb-prestart");
}

}  // namespace hookcore::environment
