#include "libhookcore/hook/prepare.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/environment/advice.h"
#include "libhookcore/hook/container.h"
#include "libhookcore/hook/layout.h"
#include "libhookcore/hook/nested.h"
#include "libhookcore/hook/origin.h"
#include "libhookcore/hook/rootfs.h"
#include "libhookcore/hook/source_access.h"
#include "libhookcore/hook/upper_probe.h"
#include "libhookcore/hook/ways.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/mount_table.h"
#include "libhookcore/sys/shared_mount.h"

namespace hookcore::hook {
namespace {

/// What the session's other containers have mounted: second mounts of it, fetched before this
/// container is entered. Empty: there is none.
struct SharedMounts {
  sys::UniqueFd workspace;
  sys::UniqueFd layers;
};

std::vector<std::array<uint32_t, 3>> ranges_of(const std::vector<oci::IdMapping>& mappings) {
  std::vector<std::array<uint32_t, 3>> ranges;
  ranges.reserve(mappings.size());
  for (const oci::IdMapping& one : mappings) {
    ranges.push_back({one.container_id, one.host_id, one.size});
  }
  return ranges;
}

/// The work inside the container's mount namespace, with one of the two mount interfaces.
class Preparation {
 public:
  Preparation(const Job& job, const sys::Proc& proc, const session::Store& store, Claim& claim,
              SharedMounts shared, const Namespaces& namespaces, Rootfs& rootfs,
              sys::UniqueFd scratch, const UpperProbe& probe, report::Log& log)
      : job_(job),
        proc_(proc),
        claim_(claim),
        shared_(std::move(shared)),
        namespaces_(namespaces),
        rootfs_(rootfs),
        scratch_(std::move(scratch)),
        state_(claim.state()),
        log_(log),
        process_(process_ids(job.config, namespaces)),
        access_(proc, namespaces, job.config, process_),
        ways_({job, proc, store, claim, namespaces, rootfs, probe, log, scratch_.get()}),
        mounts_(proc),
        rootfs_mount_(mounts_.of(rootfs.fd())) {
    root_.uid = namespaces.to_ours(false, 0).value_or(process_.uid);
    root_.gid = namespaces.to_ours(true, 0).value_or(process_.gid);
  }

  void run(sys::MountApi& api) {
    log_.debug("mounting by " + std::string(api.name()));
    prepare_workspace(api);
    if (job_.request.role == optin::Role::kLaunch) return;
    if (has_layers_mount(proc_, rootfs_)) {
      shared_.layers.reset();
    } else if (!shared_.layers) {
      shared_.layers = make_layers(api);
    }
    prepare_layout(api, job_, rootfs_, root_, shared_.layers ? shared_.layers.get() : -1);
    if (const auto violation = check_lifecycle(job_, rootfs_)) report(*violation);
  }

  // Before the session says that the container is served: a helper that hasn't heard of it gives
  // the workspace up.
  void keep_workspace() { ways_.keep(); }

  // The container is ready: nothing has to be undone any more.
  void keep() {
    if (bin_stays_) bin_->leave();
  }

  // An overlay that is put below a shared mount would be seen on the host, and so would the end of
  // the engine's mount. Held until the last mount stands.
  std::vector<std::unique_ptr<sys::PropagationPause>> pause_propagation() {
    std::vector<std::unique_ptr<sys::PropagationPause>> pauses;
    if (rootfs_mount_.shared) {
      log_.debug("the rootfs is shared: propagation paused");
      pauses.push_back(std::make_unique<sys::PropagationPause>(proc_, rootfs_.fd()));
    }
    engine_mount_ = rootfs_.directory(job_.request.workspace_path);
    if (!engine_mount_) return pauses;
    // The workspace may lie on another of the engine's mounts.
    engine_mount_info_ = mounts_.of(engine_mount_->get());
    for (std::optional mount = engine_mount_info_; mount && mount->id != rootfs_mount_.id;
         mount = mount->parent == rootfs_mount_.id ? std::nullopt : mounts_.find(mount->parent)) {
      if (!mount->shared) continue;
      const sys::UniqueFd root =
          sys::open_at(AT_FDCWD, mount->mount_point, O_PATH, sys::Resolve::kHost);
      // Something is mounted over it: then it is not where the workspace's path leads.
      if (mounts_.of(root.get()).id != mount->id) continue;
      pauses.push_back(std::make_unique<sys::PropagationPause>(proc_, root.get()));
    }
    return pauses;
  }

 private:
  // A violated guarantee of SPEC 4: refused, or, with enforce=warn, written down.
  void report(const Error& violation) {
    if (job_.request.enforce == optin::Enforce::kStrict) throw violation;
    log_.warning(violation.line());
  }

  void prepare_workspace(sys::MountApi& api) {
    const std::string& path = job_.request.workspace_path;
    if (!engine_mount_ || !sys::is_mount_root(proc_, engine_mount_->get())) {
      report(Error(Code::kSource, "nothing is mounted at " + path,
                   "container " + quote(job_.state.id),
                   environment::mount_source(job_.config, path) +
                       ", or name its place with the annotation io.cnb.hooks.workspace-path"));
      return;
    }
    check_source(engine_mount_->get());
    if (job_.request.workspace != optin::WorkspaceMode::kLive) {
      mount_overlay(api, engine_mount_->get());
    } else if (!sys::mount_flags(engine_mount_->get()).read_only) {
      if (const auto refusal = access_.check(engine_mount_->get())) report(*refusal);
    }
  }

  bool is_shared() const { return state_.kind != session::Kind::kContainer; }

  // One upper is over one source. Device numbers may be others after the machine was restarted.
  void check_source(int engine_mount) const {
    const std::string& path = job_.request.workspace_path;
    const struct ::stat status = sys::stat_fd(engine_mount, path);
    if (status.st_nlink == 0) {
      throw Error(Code::kSource, "the source was removed after the engine had mounted it",
                  "what is mounted at " + path, "start the container again over one that is there");
    }
    const auto& before = claim_.before();
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

  void mount_overlay(sys::MountApi& api, int engine_mount) {
    sys::MountFlags flags = sys::mount_flags(engine_mount);
    // crun makes mounts read-only after the hooks have run.
    const oci::Mount* asked = job_.config.mount_at(job_.request.workspace_path);
    if (asked != nullptr && asked->is_readonly()) flags.read_only = true;
    const bool writable =
        job_.request.workspace == optin::WorkspaceMode::kOverlay && !flags.read_only;
    ignore::RuleSet rules = ignore::load_rules(engine_mount, job_.request.ignore_file);
    overlay::IdShift shift;
    const auto nested = take_nested_mounts(api, mounts_, job_.config, job_.request.workspace_path,
                                           {engine_mount, engine_mount_info_}, rules);
    if (shared_.workspace) {
      join_workspace(api, nested, flags, writable);
      return;
    }
    // Layers are clones that hang nowhere, so that the container's mountinfo tells no path of the
    // host.
    sys::UniqueFd source = overlay::clone_source(api, engine_mount);
    // A container that only reads may be joined by one that writes.
    const bool has_upper = writable || is_shared();
    if (has_upper) {
      const auto refusal = access_.grant(api, source, shift);
      if (refusal && writable) report(*refusal);
    }
    note_origin(engine_mount, rules, shift);
    const overlay::WorkspacePlan plan{std::move(rules), namespaces_.user_xattr(), true,
                                      anchors(nested), state_.mount_source};
    MadeWorkspace workspace = ways_.make(api, plan, std::move(source), has_upper);
    flags.read_only = !writable;
    api.set_flags(workspace.mount.get(), flags);

    stand_bin(api, std::move(workspace.tmpfs));
    for (const sys::UniqueFd& spent : workspace.spent) bin_->drop(spent.get());
    attach_in_place(api, engine_mount, workspace.mount.get());
    attach_nested_mounts(api, nested, workspace.mount.get());
    log_.debug(workspace.account + ", workspace " + (writable ? "writable" : "read-only"));
  }

  void note_origin(int engine_mount, const ignore::RuleSet& rules, const overlay::IdShift& shift) {
    confirm_source(engine_mount, state_);
    session::Origin& origin = state_.origin;
    origin.asked_rules = job_.request.ignore_file.value_or("");
    origin.rules = rules.file();
    origin.user_xattr = namespaces_.user_xattr();
    origin.uid_swap = {shift.uid.on_disk, shift.uid.shown};
    origin.gid_swap = {shift.gid.on_disk, shift.gid.shown};
    origin.uids = ranges_of(job_.config.uid_mappings);
    origin.gids = ranges_of(job_.config.gid_mappings);
  }

  // The overlay that other containers of the session have; only what the engine has mounted into it
  // is this container's own.
  void join_workspace(sys::MountApi& api, const std::vector<NestedMount>& nested,
                      sys::MountFlags flags, bool writable) {
    const int workspace = shared_.workspace.get();
    if (writable) {
      if (const auto refusal = access_.check(workspace)) report(*refusal);
    }
    flags.read_only = !writable;
    api.set_flags(workspace, flags);
    stand_bin(api, api.tmpfs({}));
    attach_in_place(api, engine_mount_->get(), workspace);
    try {
      attach_nested_mounts(api, nested, workspace);
    } catch (const SystemError& error) {
      throw Error(Code::kSession,
                  "the session's workspace has no place for a mount of this container",
                  error.where(), "mount it into the container that the session begins with, too");
    }
    log_.debug(std::string("joined the session's workspace, ") +
               (writable ? "writable" : "read-only"));
  }

  sys::UniqueFd make_layers(sys::MountApi& api) const {
    sys::UniqueFd mount;
    if (job_.request.scratch.tmpfs) {
      sys::TmpfsOptions options{job_.request.scratch.size_bytes};
      if (is_shared()) options.source = state_.mount_source;
      mount = api.tmpfs(options);
    } else {
      if (::mkdirat(scratch_.get(), kLayersName, 0755) != 0 && errno != EEXIST) {
        throw SystemError("mkdirat", kLayersName, errno, Code::kScratch);
      }
      const sys::UniqueFd directory = sys::open_at(
          scratch_.get(), kLayersName, O_PATH | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kStrict);
      mount = api.clone(directory.get(), false);
    }
    const sys::UniqueFd root = sys::reopen_directory(mount.get());
    // Others are at work in it: it stays theirs.
    const bool taken = claim_.has_company() && !job_.request.scratch.tmpfs;
    if (!taken) give_to_process(root.get());
    sys::MountFlags flags;
    flags.no_dev = true;
    flags.no_suid = true;
    api.set_flags(mount.get(), flags);
    return mount;
  }

  // On the session's work directory, which nobody looks into by its path, below the root that the
  // runtime gives up when it pivots: the kernel's wait for its readers is then the runtime's own.
  // Where that isn't so everything goes at once, from the rootfs.
  void stand_bin(sys::MountApi& api, sys::UniqueFd tmpfs) {
    std::optional<sys::UniqueFd> place;
    if (ends_with_old_root(scratch_.get())) {
      place = sys::try_open_at(scratch_.get(), overlay::kWorkName, O_PATH | O_DIRECTORY,
                               sys::Resolve::kStrict);
    }
    bin_stays_ = place.has_value();
    bin_ = api.make_bin(std::move(tmpfs), place ? place->get() : rootfs_.fd());
  }

  // In a shared mount the host would see it too, and in one that is the rootfs, or stands in it,
  // the container.
  bool ends_with_old_root(int fd) {
    const sys::MountInfo mount = mounts_.of(fd);
    return !mount.shared && !is_within(mount.mount_point, rootfs_mount_.mount_point);
  }

  void attach_in_place(sys::MountApi& api, int engine_mount, int workspace) {
    const sys::UniqueFd target = take_engine_mount_away(*bin_, engine_mount);
    if (!bin_stays_) bin_->empty();
    api.attach(workspace, target.get());
  }

  void give_to_process(int layers) const {
    const struct ::stat made = sys::stat_fd(layers, "/layers");
    const bool same_owner = made.st_uid == process_.uid && made.st_gid == process_.gid;
    if (!same_owner && ::fchown(layers, process_.uid, process_.gid) != 0) {
      throw SystemError("fchown", "/layers", errno, Code::kScratch);
    }
    if ((!same_owner || (made.st_mode & 07777) != 0755) && ::fchmod(layers, 0755) != 0) {
      throw SystemError("fchmod", "/layers", errno, Code::kScratch);
    }
  }

  // What stays below the overlay could be uncovered by a container with CAP_SYS_ADMIN. The
  // directory that comes to light.
  sys::UniqueFd take_engine_mount_away(sys::MountBin& bin, int engine_mount) const {
    const std::string& path = job_.request.workspace_path;
    int mount = engine_mount;
    // An engine may have mounted more than once.
    for (sys::UniqueFd next;;) {
      if (!bin.take_away(mount)) {
        throw Error(Code::kSource, "the engine's mount is locked and would stay below the overlay",
                    path);
      }
      auto found = rootfs_.directory(path);
      if (!found) throw Error(Code::kLayout, path + " vanished");
      if (!sys::is_mount_root(proc_, found->get())) return std::move(*found);
      next = std::move(*found);
      mount = next.get();
    }
  }

  const Job& job_;
  const sys::Proc& proc_;
  const Claim& claim_;
  SharedMounts shared_;
  const Namespaces& namespaces_;
  Rootfs& rootfs_;
  sys::UniqueFd scratch_;
  session::SessionState& state_;
  report::Log& log_;
  overlay::ProcessIds process_;
  SourceAccess access_;
  WayChain ways_;
  RootIds root_;
  sys::MountTable mounts_;
  sys::MountInfo rootfs_mount_;
  std::optional<sys::UniqueFd> engine_mount_;  ///< what stands at the workspace's path
  sys::MountInfo engine_mount_info_;
  std::unique_ptr<sys::MountBin> bin_;
  bool bin_stays_ = false;
};

// The session's directory as the entered namespace mounts it: layers of an overlay must come from
// the namespace that makes it. Before the pivot that is the host's tree; the inode proves it.
sys::UniqueFd open_scratch(const session::Store& store, const session::Session& session) {
  const std::string path = store.root() + "/sessions/" + session.name();
  sys::UniqueFd fd = sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, sys::Resolve::kHost);
  if (!sys::same_object(fd.get(), session.fd())) {
    throw Error(Code::kScratch, "the container's mount namespace shows another directory",
                quote(path));
  }
  return fd;
}

// Empty when the process ended meanwhile.
sys::UniqueFd clone_of_holder(const sys::Proc& proc, pid_t holder, const sys::MountTag& tag) {
  try {
    return sys::clone_mount_of(proc, holder, tag, true);
  } catch (const Error&) {
    if (sys::has_mount(proc, holder, tag)) throw;
    return {};
  }
}

// nullopt when a process that has one of them ended meanwhile.
std::optional<SharedMounts> fetch_shared_mounts(const Job& job, const sys::Proc& proc,
                                                const Claim& claim) {
  SharedMounts shared;
  const std::string& source = claim.state().mount_source;
  if (source.empty()) return shared;
  if (claim.holder() && job.request.workspace != optin::WorkspaceMode::kLive) {
    shared.workspace =
        clone_of_holder(proc, *claim.holder(), session::workspace_tag(claim.state()));
    if (!shared.workspace) return std::nullopt;
  }
  const sys::MountTag layers{"tmpfs", source};
  if (job.request.scratch.tmpfs && job.request.role != optin::Role::kLaunch &&
      claim.has_company()) {
    if (const auto holder = sys::find_mount_holder(proc, layers)) {
      shared.layers = clone_of_holder(proc, *holder, layers);
      if (!shared.layers) return std::nullopt;
    }
  }
  return shared;
}

}  // namespace

bool prepare_container(const Job& job, const sys::Proc& proc, const session::Store& store,
                       Claim& claim, report::Log& log) {
  auto shared = fetch_shared_mounts(job, proc, claim);
  if (!shared) return false;
  // mount(2) can't move what another container's namespace gave.
  const bool joins = shared->workspace || shared->layers;
  Namespaces namespaces(proc, job.pid, job.stage);
  log.set_opener(store.log_directory_opener());
  namespaces.enter();
  Rootfs rootfs(proc, rootfs_path(job.state, job.config));
  const UpperProbe probe(store.fd(), claim.state().boot_id, namespaces.user_xattr());
  Preparation preparation(job, proc, store, claim, std::move(*shared), namespaces, rootfs,
                          open_scratch(store, claim.session()), probe, log);
  const auto pauses = preparation.pause_propagation();
  try {
    preparation.run(*sys::make_new_mount_api());
  } catch (const sys::MountApiUnavailable& reason) {
    if (joins) {
      throw Error(Code::kSession,
                  std::string("a running session's workspace can't be joined: ") + reason.what(),
                  "", "start this container when the session's other containers have ended");
    }
    log.debug(std::string("falling back to mount(2): ") + reason.what());
    preparation.run(*sys::make_legacy_mount_api(proc, rootfs.fd(), rootfs.path()));
  }
  rootfs.require_uncovered();
  preparation.keep_workspace();
  claim.commit();
  preparation.keep();
  rootfs.keep();
  return true;
}

}  // namespace hookcore::hook
