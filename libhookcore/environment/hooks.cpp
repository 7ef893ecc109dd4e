#include "libhookcore/environment/hooks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"

namespace hookcore::environment {

namespace {

/// Where hooks are installed, seen from the directory of `oci-cnb` and `oci-cnb-runtime`.
constexpr const char* kLibexec = "../libexec/oci-cnb-hooks";

constexpr std::string_view kPrestartHook = "oci-cnb-prestart";

std::string own_directory() {
  constexpr const char* kSelf = "/proc/self/exe";
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink(kSelf, path.data(), path.size());
  if (size < 0) throw SystemError("readlink", kSelf, errno);
  return parent_path({path.data(), static_cast<size_t>(size)});
}

bool is_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool names(const std::vector<oci::Hook>& stage, std::string_view program) {
  return std::any_of(stage.begin(), stage.end(),
                     [&](const oci::Hook& hook) { return base_name(hook.path) == program; });
}

/// The environment is never empty: Go drops an empty array, and runtimes take an absent one for
/// "inherit", which under old versions of runc means the container's (CVE-2025-23266).
oci::Hook hook(const std::string& directory, std::string_view program) {
  return {
      directory + "/" + std::string(program), {std::string(program)}, {"PATH=/usr/bin:/bin"}, {}};
}

void require_directory(const std::string& directory) {
  if (directory.starts_with('/') && !has_control_bytes(directory)) return;
  throw Error(Code::kUsage, "the hooks' directory has to be an absolute path", quote(directory));
}

}  // namespace

MissingHooks missing_hooks(const oci::Hooks& present, const std::string& directory) {
  require_directory(directory);
  MissingHooks missing;
  if (!has_mount_hook(present)) missing.create_runtime = hook(directory, kMountHook);
  if (!names(present.poststop, kPoststopHook)) missing.poststop = hook(directory, kPoststopHook);
  return missing;
}

Starter starter_of(const oci::ConfigView& config) {
  const bool plain_user = ::geteuid() != 0 && config.has_namespace("user");
  return plain_user ? Starter::kPlainUser : Starter::kPrivileged;
}

void add_hooks(oci::ConfigEditor& editor, const std::string& directory, Starter starter) {
  MissingHooks missing = missing_hooks(editor.view().hooks, directory);
  if (missing.create_runtime) {
    if (starter == Starter::kPlainUser) {
      missing.create_runtime->args.emplace_back("--stage=createContainer");
      editor.append_hook(oci::Stage::kCreateContainer, std::move(*missing.create_runtime));
    } else {
      editor.append_hook(oci::Stage::kCreateRuntime, std::move(*missing.create_runtime));
    }
  }
  if (missing.poststop) editor.append_hook(oci::Stage::kPoststop, std::move(*missing.poststop));
}

std::vector<std::string> program_directories() {
  const std::string beside = own_directory();
  return {beside, normalise_path(join_path(beside, kLibexec))};
}

std::string installed_hooks_directory() {
  const std::vector<std::string> directories = program_directories();
  for (const std::string& directory : directories) {
    if (is_file(join_path(directory, kMountHook))) return directory;
  }
  throw Error(Code::kUsage, std::string(kMountHook) + " isn't installed with this program",
              quote(directories.front()),
              "name its directory with --hooks-dir DIR, or install it there");
}

void require_mount_hook_beside() {
  const std::string directory = own_directory();
  for (const std::string_view name : {kMountHook, kPrestartHook}) {
    if (::access(join_path(directory, name).c_str(), X_OK) == 0) return;
  }
  throw Error(Code::kEnvironment,
              "the mount hook is missing or can't be executed: an engine would start the container "
              "without it, and say nothing",
              quote(join_path(directory, kMountHook)), "install oci-cnb-hooks again");
}

bool has_mount_hook(const oci::Hooks& hooks) {
  return names(hooks.create_runtime, kMountHook) || names(hooks.create_container, kMountHook) ||
         names(hooks.prestart, kPrestartHook);
}

}  // namespace hookcore::environment
