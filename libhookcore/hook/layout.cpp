#include "libhookcore/hook/layout.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

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

sys::UniqueFd clone_on_disk(sys::MountApi& api, int scratch) {
  if (::mkdirat(scratch, kLayersName, 0755) != 0 && errno != EEXIST) {
    throw SystemError("mkdirat", kLayersName, errno, Code::kScratch);
  }
  const sys::UniqueFd directory =
      sys::open_at(scratch, kLayersName, O_PATH | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kStrict);
  return api.clone(directory.get(), false);
}

void give_to_process(int layers, const overlay::ProcessIds& process) {
  const struct ::stat made = sys::stat_fd(layers, kLayers);
  const bool same_owner = made.st_uid == process.uid && made.st_gid == process.gid;
  if (!same_owner && ::fchown(layers, process.uid, process.gid) != 0) {
    throw SystemError("fchown", kLayers, errno, Code::kScratch);
  }
  if ((!same_owner || (made.st_mode & 07777) != 0755) && ::fchmod(layers, 0755) != 0) {
    throw SystemError("fchmod", kLayers, errno, Code::kScratch);
  }
}

}  // namespace

sys::UniqueFd make_layers(sys::MountApi& api, const optin::Scratch& scratch,
                          const LayersPlan& plan) {
  sys::UniqueFd mount;
  if (scratch.tmpfs) {
    sys::TmpfsOptions options{scratch.size_bytes};
    if (!plan.mount_source.empty()) options.source = plan.mount_source;
    mount = api.tmpfs(options);
  } else {
    mount = clone_on_disk(api, plan.scratch);
  }
  const sys::UniqueFd root = sys::reopen_directory(mount.get());
  if (!plan.in_use || scratch.tmpfs) give_to_process(root.get(), plan.process);
  sys::MountFlags flags;
  flags.no_dev = true;
  flags.no_suid = true;
  api.set_flags(mount.get(), flags);
  return mount;
}

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
