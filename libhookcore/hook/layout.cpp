#include "libhookcore/hook/layout.h"

#include <fcntl.h>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::hook {
namespace {

constexpr const char* kLayers = "/layers";
constexpr const char* kCnb = "/cnb";
constexpr const char* kPlatform = "/platform";

void mount_configured_cnb(sys::MountApi& api, const Job& job, Rootfs& rootfs, RootIds root) {
  const std::string& path = *job.home.settings.cnb_dir;
  const int fd = sys::open_at_raw(AT_FDCWD, path, O_PATH | O_DIRECTORY, sys::Resolve::kHost);
  if (fd < 0) throw SystemError("openat2", path, -fd, Code::kSettings, "correct cnb-dir");
  const sys::UniqueFd source(fd);
  // Alone: what is mounted inside of it would stay writable.
  const sys::UniqueFd mount = api.clone(source.get(), false);
  sys::MountFlags flags;
  flags.read_only = true;
  api.set_flags(mount.get(), flags);
  const sys::UniqueFd target = rootfs.ensure_directory(kCnb, root.uid, root.gid);
  api.attach(mount.get(), target.get());
}

}  // namespace

// build and detect run the lifecycle from /cnb/lifecycle (CNB platform specification).
std::optional<Error> check_lifecycle(const Job& job, const Rootfs& rootfs) {
  const bool needed =
      job.request.role == optin::Role::kBuild || job.request.role == optin::Role::kDetect;
  if (!needed || rootfs.directory(std::string(kCnb) + "/lifecycle")) return std::nullopt;
  return Error(Code::kLayout, "no /cnb/lifecycle", "the image's file system",
               "use a builder image, mount a lifecycle at /cnb, or set cnb-dir in config.toml");
}

bool has_layers_mount(const sys::Proc& proc, const Rootfs& rootfs) {
  const auto layers = rootfs.directory(kLayers);
  return layers && sys::is_mount_root(proc, layers->get());
}

void prepare_layout(sys::MountApi& api, const Job& job, Rootfs& rootfs, RootIds root,
                    int layers_fd) {
  if (layers_fd >= 0) {
    const sys::UniqueFd target = rootfs.ensure_directory(kLayers, root.uid, root.gid);
    api.attach(layers_fd, target.get());
  }
  if (!rootfs.directory(kCnb) && job.home.settings.cnb_dir) {
    mount_configured_cnb(api, job, rootfs, root);
  }
  rootfs.ensure_directory(kPlatform, root.uid, root.gid);
}

}  // namespace hookcore::hook
