#include "libhookcore/hook/container.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/sys/file.h"

namespace hookcore::hook {
namespace {

// crun reports "/" as the bundle under some of podman's maps (crun#2025, #2038): config.json then
// stands where the rootfs does.
std::vector<std::string> config_candidates(const oci::State& state) {
  std::vector<std::string> paths;
  if (!state.bundle.empty() && state.bundle != "/") paths.push_back(state.bundle + "/config.json");
  if (!state.root.empty()) paths.push_back(parent_path(state.root) + "/config.json");
  return paths;
}

// The hook is the container's process there, and a program that another uid than 0 executes has no
// capabilities.
void require_mounting() {
  if (sys::has_capability(CAP_SYS_ADMIN)) return;
  throw Error(Code::kIds, "the hook may not mount: the container's user namespace has no uid 0",
              "config.json linux.uidMappings",
              "map 0 to yourself, or use podman with --userns=keep-id:uid=UID,gid=GID");
}

}  // namespace

oci::ConfigView read_config(const oci::State& state) {
  for (const std::string& path : config_candidates(state)) {
    const int fd = sys::open_at_raw(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, sys::Resolve::kHost);
    if (fd == -ENOENT) continue;
    if (fd < 0) throw SystemError("openat2", path, -fd, Code::kConfig);
    const sys::UniqueFd file(fd);
    return oci::parse_config(sys::read_all(file.get(), oci::kMaxConfigSize, path, Code::kConfig),
                             path);
  }
  throw Error(Code::kConfig, "no config.json in the bundle", quote(state.bundle),
              "the runtime's state document names a bundle that this hook can't see");
}

std::string rootfs_path(const oci::State& state, const oci::ConfigView& config) {
  // crun's state repeats root.path as config.json has it: relative, where that is.
  const std::string& root = state.root.empty() ? config.root_path : state.root;
  if (root.empty()) {
    throw Error(Code::kConfig, "config.json has no root.path", quote(state.bundle));
  }
  return root.starts_with('/') ? root : state.bundle + "/" + root;
}

pid_t container_pid(const sys::Proc& proc, const oci::State& state, Stage stage) {
  if (stage == Stage::kContainer) return proc.parent_pid();
  if (state.pid > 0) return state.pid;
  throw Error(Code::kState, "the state has no pid", "container " + quote(state.id), kStageRemedy);
}

Namespaces::Namespaces(const sys::Proc& proc, pid_t pid, Stage stage) {
  const sys::NamespaceId own_user = proc.own_namespace_id("user");
  user_xattr_ = !sys::is_initial(own_user);
  if (stage == Stage::kContainer) {
    require_mounting();
    return;  // registered for another stage by mistake, the rootfs or the workspace isn't mounted
             // here
  }
  try {
    mount_ = proc.namespace_of(pid, "mnt");
    same_user_ = proc.id_of_namespace(pid, "user") == own_user;
    if (!same_user_) user_ = proc.namespace_of(pid, "user");
  } catch (const SystemError& error) {
    if (error.error_number() != EACCES) throw;
    throw Error(Code::kSystem, "the container's namespaces are closed to us", error.where(),
                "crun of a plain user: register oci-cnb-createruntime as createContainer, as "
                "`oci-cnb spec apply` does");
  }
  if (sys::namespace_id(mount_.get()) == proc.own_namespace_id("mnt")) {
    throw Error(Code::kState,
                "process " + std::to_string(pid) + " has no mount namespace of its own", "",
                kStageRemedy);
  }
  if (!same_user_) {
    const std::string directory = std::to_string(pid) + "/";
    uids_ = sys::parse_id_map(proc.read(directory + "uid_map"));
    gids_ = sys::parse_id_map(proc.read(directory + "gid_map"));
  }
}

void Namespaces::enter() {
  if (!mount_) return;
  if (!same_user_ && !sys::has_capability(CAP_SYS_ADMIN)) {
    sys::enter_user_namespace(user_.get());
    ::prctl(PR_SET_DUMPABLE, 0);     // new credentials made us dumpable again
    sys::keep_mount_capabilities();  // and gave us all capabilities
    same_user_ = true;
    user_xattr_ = true;
    uids_.clear();
    gids_.clear();
  }
  sys::enter_mount_namespace(mount_.get());
}

std::optional<uint32_t> Namespaces::to_ours(bool group, uint32_t id) const {
  if (same_user_) return id;
  return sys::map_out(group ? gids_ : uids_, id);
}

std::optional<uint32_t> Namespaces::to_inside(bool group, uint32_t id) const {
  // What no map knows is shown as the overflow id, 65534 unless the administrator changed it.
  constexpr uint32_t kOverflow = 65534;
  if (same_user_) return user_xattr_ && id == kOverflow ? std::nullopt : std::optional(id);
  return sys::map_in(group ? gids_ : uids_, id);
}

overlay::ProcessIds process_ids(const oci::ConfigView& config, const Namespaces& namespaces) {
  const auto mapped = [&](bool group, uint32_t id) {
    const auto ours = namespaces.to_ours(group, id);
    if (ours) return *ours;
    throw Error(Code::kIds,
                std::string("the container's ") + (group ? "gid " : "uid ") + std::to_string(id) +
                    " isn't mapped in its user namespace",
                "config.json process.user",
                "give the container a map that has it (--userns, --uidmap)");
  };
  overlay::ProcessIds ids;
  ids.uid = mapped(false, config.user.uid);
  ids.gid = mapped(true, config.user.gid);
  for (const gid_t group : config.user.additional_gids) {
    if (const auto ours = namespaces.to_ours(true, group)) ids.groups.push_back(*ours);
  }
  const auto& capabilities = config.effective_capabilities;
  ids.dac_override =
      std::find(capabilities.begin(), capabilities.end(), "CAP_DAC_OVERRIDE") != capabilities.end();
  return ids;
}

}  // namespace hookcore::hook
