#include "libhookcore/hook/prepare.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <optional>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/environment/advice.h"
#include "libhookcore/hook/container.h"
#include "libhookcore/hook/layout.h"
#include "libhookcore/hook/nested.h"
#include "libhookcore/hook/origin.h"
#include "libhookcore/hook/rootfs.h"
#include "libhookcore/hook/shared_mounts.h"
#include "libhookcore/hook/site.h"
#include "libhookcore/hook/source_access.h"
#include "libhookcore/hook/ways.h"
#include "libhookcore/hook/workspace_place.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::hook {
namespace {

/// What is mounted in the container, by one of the two mount interfaces.
class Preparation {
 public:
  Preparation(const Site& site, SharedMounts shared, WorkspacePlace& place)
      : site_(site),
        config_(site.job.config),
        request_(site.job.request),
        state_(site.claim.state()),
        shared_(std::move(shared)),
        place_(place),
        process_(process_ids(config_, site.namespaces)),
        access_(site.proc, site.namespaces, config_, process_),
        ways_(site) {}

  void run(sys::MountApi& api) {
    site_.log.debug("mounting by " + std::string(api.name()));
    prepare_workspace(api);
    if (request_.role != optin::Role::kLaunch) prepare_directories(api);
  }

  // Before the session says that the container is served: a helper that hasn't heard of it gives
  // the workspace up.
  void keep_workspace() { ways_.keep(); }

 private:
  // A violated guarantee of SPEC 4: refused, or, with enforce=warn, written down.
  void report(const Error& violation) {
    if (request_.enforce == optin::Enforce::kStrict) throw violation;
    site_.log.warning(violation.line());
  }

  bool is_shared() const { return state_.kind != session::Kind::kContainer; }

  void prepare_workspace(sys::MountApi& api) {
    const std::string& path = request_.workspace_path;
    const auto engine_mount = place_.engine_mount();
    if (!engine_mount) {
      report(Error(Code::kSource, "nothing is mounted at " + path,
                   "container " + quote(site_.job.state.id),
                   environment::mount_source(config_, path) +
                       ", or name its place with the annotation io.cnb.hooks.workspace-path"));
      return;
    }
    check_source(engine_mount->fd);
    if (request_.workspace != optin::WorkspaceMode::kLive) {
      mount_workspace(api, *engine_mount);
    } else if (!sys::mount_flags(engine_mount->fd).read_only) {
      if (const auto refusal = access_.check(engine_mount->fd)) report(*refusal);
    }
  }

  // One upper is over one source. Device numbers may be others after the machine was restarted.
  void check_source(int engine_mount) const {
    const std::string& path = request_.workspace_path;
    const struct ::stat status = sys::stat_fd(engine_mount, path);
    if (status.st_nlink == 0) {
      throw Error(Code::kSource, "the source was removed after the engine had mounted it",
                  "what is mounted at " + path, "start the container again over one that is there");
    }
    const auto& before = site_.claim.before();
    if (!before || before->source_inode == 0) return;
    const bool same_boot = before->boot_id == state_.boot_id;
    if (before->source_inode == status.st_ino &&
        (!same_boot || before->source_device == status.st_dev)) {
      return;
    }
    throw Error(Code::kSession, "the session is over another source than this container's",
                quote(before->origin.path),
                "name another one with the annotation io.cnb.hooks.session");
  }

  // Those of the engine's mount, and whether this container may write its workspace.
  sys::MountFlags wanted_flags(int engine_mount) const {
    sys::MountFlags flags = sys::mount_flags(engine_mount);
    // crun makes mounts read-only after the hooks have run.
    const oci::Mount* asked = config_.mount_at(request_.workspace_path);
    if (asked != nullptr && asked->is_readonly()) flags.read_only = true;
    if (request_.workspace != optin::WorkspaceMode::kOverlay) flags.read_only = true;
    return flags;
  }

  void mount_workspace(sys::MountApi& api, const EngineMount& engine_mount) {
    const sys::MountFlags flags = wanted_flags(engine_mount.fd);
    ignore::RuleSet rules = ignore::load_rules(engine_mount.fd, request_.ignore_file);
    const auto nested = take_nested_mounts(api, place_.mounts(), config_, request_.workspace_path,
                                           engine_mount, rules);
    if (shared_.workspace) {
      join_workspace(api, nested, flags);
    } else {
      make_workspace(api, engine_mount.fd, std::move(rules), nested, flags);
    }
  }

  // By the first way that serves.
  void make_workspace(sys::MountApi& api, int engine_mount, ignore::RuleSet rules,
                      const std::vector<NestedMount>& nested, const sys::MountFlags& flags) {
    const bool writable = !flags.read_only;
    // Layers are clones that hang nowhere, so that the container's mountinfo tells no path of the
    // host.
    sys::UniqueFd source = overlay::clone_source(api, engine_mount);
    // A container that only reads may be joined by one that writes.
    const bool has_upper = writable || is_shared();
    overlay::IdShift shift;
    if (has_upper) {
      const auto refusal = access_.grant(api, source, shift);
      if (refusal && writable) report(*refusal);
    }
    const bool user_xattr = site_.namespaces.user_xattr();
    confirm_source(engine_mount, state_);
    note_view(site_.job, rules, shift, user_xattr, state_.origin);
    const overlay::WorkspacePlan plan{std::move(rules), user_xattr, anchors(nested),
                                      state_.mount_source};
    MadeWorkspace made = ways_.make(api, plan, std::move(source), has_upper);
    api.set_flags(made.mount.get(), flags);
    place_.put(api, made.mount.get(), std::move(made.tmpfs), made.spent, site_.scratch);
    attach_nested_mounts(api, nested, made.mount.get());
    site_.log.debug(made.account + ", workspace " + (writable ? "writable" : "read-only"));
  }

  // The one that other containers of the session have; only what the engine has mounted into it is
  // this container's own.
  void join_workspace(sys::MountApi& api, const std::vector<NestedMount>& nested,
                      const sys::MountFlags& flags) {
    const int workspace = shared_.workspace.get();
    if (!flags.read_only) {
      if (const auto refusal = access_.check(workspace)) report(*refusal);
    }
    api.set_flags(workspace, flags);
    place_.put(api, workspace, api.tmpfs({}), {}, site_.scratch);
    try {
      attach_nested_mounts(api, nested, workspace);
    } catch (const SystemError& error) {
      throw Error(Code::kSession,
                  "the session's workspace has no place for a mount of this container",
                  error.where(), "mount it into the container that the session begins with, too");
    }
    site_.log.debug(std::string("joined the session's workspace, ") +
                    (flags.read_only ? "read-only" : "writable"));
  }

  // /layers, /cnb and /platform.
  void prepare_directories(sys::MountApi& api) {
    if (has_layers_mount(site_.proc, site_.rootfs)) {
      shared_.layers.reset();
    } else if (!shared_.layers) {
      shared_.layers = make_layers(api, request_.scratch,
                                   {site_.scratch, is_shared() ? state_.mount_source : "",
                                    site_.claim.has_company(), process_});
    }
    const RootIds root{site_.namespaces.to_ours(false, 0).value_or(process_.uid),
                       site_.namespaces.to_ours(true, 0).value_or(process_.gid)};
    prepare_layout(api, site_.job, site_.rootfs, root, shared_.layers.get());
    if (const auto violation = check_lifecycle(site_.job, site_.rootfs)) report(*violation);
  }

  const Site& site_;
  const oci::ConfigView& config_;
  const optin::Request& request_;
  session::SessionState& state_;
  SharedMounts shared_;
  WorkspacePlace& place_;
  overlay::ProcessIds process_;
  SourceAccess access_;
  WayChain ways_;
};

// joins: mount(2) can't move what another container's namespace gave.
void mount_everything(const Site& site, Preparation& preparation, bool joins) {
  try {
    preparation.run(*sys::make_new_mount_api());
  } catch (const sys::MountApiUnavailable& reason) {
    if (joins) {
      throw Error(Code::kSession,
                  std::string("a running session's workspace can't be joined: ") + reason.what(),
                  "", "start this container when the session's other containers have ended");
    }
    site.log.debug(std::string("falling back to mount(2): ") + reason.what());
    const Rootfs& rootfs = site.rootfs;
    preparation.run(*sys::make_legacy_mount_api(site.proc, rootfs.fd(), rootfs.path()));
  }
  site.rootfs.require_uncovered();
}

}  // namespace

bool prepare_container(const Job& job, const sys::Proc& proc, const session::Store& store,
                       Claim& claim, report::Log& log) {
  auto shared = fetch_shared_mounts(job, proc, claim);
  if (!shared) return false;
  const bool joins = shared->any();

  Namespaces namespaces(proc, job.pid, job.stage);
  log.set_opener(store.log_directory_opener());
  namespaces.enter();

  Rootfs rootfs(proc, rootfs_path(job.state, job.config));
  const sys::UniqueFd scratch = store.reopen(claim.session());
  const Site site{job, proc, store, claim, namespaces, rootfs, log, scratch.get()};
  WorkspacePlace place(proc, rootfs, job.request.workspace_path);
  Preparation preparation(site, std::move(*shared), place);
  const auto pauses = place.pause_propagation(log);
  mount_everything(site, preparation, joins);

  preparation.keep_workspace();
  claim.commit();
  place.leave_bin();
  rootfs.keep();
  return true;
}

}  // namespace hookcore::hook
