#include "libhookcore/preview/preview.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/explain.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/preview/command.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/mount_table.h"
#include "libhookcore/sys/namespace.h"

namespace hookcore::preview {
namespace {

constexpr const char* kStageName = "stage";

sys::UniqueFd open_directory(const std::string& path, Code code) {
  return sys::open_named(path, O_PATH | O_DIRECTORY, code);
}

// The session of this run: taken at once, given back at the end whatever happens.
class Scratch {
 public:
  Scratch(session::Store& store, const sys::Proc& proc, const std::string& directory, bool tmpfs)
      : store_(store), proc_(proc), session_(store.acquire(own_name())) {
    state_.container = session_.name();
    state_.bundle = directory;
    state_.boot_id = proc.boot_id();
    state_.scratch = tmpfs ? "tmpfs" : "disk";
    add_member(::getpid());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    try {
      remove();
    } catch (const Error&) {
      // `session gc` finds it: its members are dead by then.
    }
  }

  void add_member(pid_t pid) {
    state_.members.push_back({pid, proc_.start_time(pid).value_or(0), true});
    session_.write_state(state_);
  }
  void remove() {
    if (removed_) return;
    removed_ = true;
    state_.members.clear();
    session_.write_state(state_);
    store_.remove(std::move(session_), proc_);
  }

  /// The directory as our present mount namespace has it.
  sys::UniqueFd open() const { return store_.reopen(session_); }

 private:
  static std::string own_name() {
    struct ::timespec now {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::string(session::kPreviewPrefix) + std::to_string(::getpid()) + "-" +
           std::to_string(now.tv_sec);
  }

  session::Store& store_;
  const sys::Proc& proc_;
  session::Session session_;
  session::SessionState state_;
  bool removed_ = false;
};

// Everything that is mounted for one run, in a mount namespace of our own.
class Stage {
 public:
  Stage(const Options& options, const ignore::RuleSet& rules, const Scratch& scratch,
        const sys::Proc& proc, std::string path)
      : options_(options),
        proc_(proc),
        path_(std::move(path)),
        user_xattr_(!proc.in_initial_user_namespace()),
        scratch_(scratch.open()) {
    source_ = open_directory(path_, Code::kSource);
    refuse_nested_mounts(rules);
    try {
      mount(rules, sys::make_new_mount_api());
    } catch (const sys::MountApiUnavailable&) {
      if (::mkdirat(scratch_.get(), kStageName, 0700) != 0 && errno != EEXIST) {
        throw SystemError("mkdirat", kStageName, errno, Code::kScratch);
      }
      const std::string stage = proc.path_of(scratch_.get()) + "/" + kStageName;
      const sys::UniqueFd stage_fd = open_directory(stage, Code::kScratch);
      mount(rules, sys::make_legacy_mount_api(proc, stage_fd.get(), stage));
    }
  }

  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    try {
      if (workspace_.mount) sys::detach_mount(workspace_.mount.get());
    } catch (const Error&) {
      // It goes with our mount namespace.
    }
  }

  int workspace() const { return workspace_.mount.get(); }
  std::vector<overlay::Change> changes() const {
    const sys::UniqueFd upper =
        sys::open_at(upper_mount_.get(), kUpperName, O_PATH | O_DIRECTORY, sys::Resolve::kStrict);
    return overlay::find_changes({upper.get(), workspace_.mask.get(), lower_.get()});
  }

 private:
  // What is mounted inside the source is not the source's: an overlay shows an empty directory.
  void refuse_nested_mounts(const ignore::RuleSet& rules) const {
    sys::MountTable mounts(proc_);
    const std::string prefix = path_ == "/" ? path_ : path_ + "/";
    for (const sys::MountInfo& mount : mounts.children(mounts.of(source_.get()).id)) {
      if (!mount.mount_point.starts_with(prefix)) continue;
      const std::string inside = mount.mount_point.substr(prefix.size());
      if (inside.empty() || ignore::explain(source_.get(), rules, inside).hidden) continue;
      throw Error(Code::kSource, "a file system is mounted inside the source", quote(inside),
                  "exclude it in the ignore file, or unmount it");
    }
  }

  void mount(const ignore::RuleSet& rules, std::unique_ptr<sys::MountApi> api) {
    lower_ = overlay::clone_source(*api, source_.get());
    if (options_.tmpfs) {
      upper_mount_ = api->tmpfs({options_.tmpfs_bytes});
    } else {
      overlay::refuse_scratch_inside(proc_, source_.get(), scratch_.get());
      upper_mount_ = api->clone(scratch_.get(), false);
      overlay::probe_upper(proc_, upper_mount_.get(), user_xattr_);
    }
    overlay::prepare_upper(upper_mount_.get(), lower_.get());
    const overlay::WorkspacePlan plan{rules, user_xattr_, {}};
    workspace_ = overlay::assemble(*api, plan, lower_.get(), upper_mount_.get());
    sys::MountFlags flags = sys::mount_flags(source_.get());
    flags.read_only = false;
    api->set_flags(workspace_.mount.get(), flags);
    api->attach(workspace_.mount.get(), source_.get());
    api_ = std::move(api);
  }

  const Options& options_;
  const sys::Proc& proc_;
  std::string path_;
  bool user_xattr_;
  std::unique_ptr<sys::MountApi> api_;
  sys::UniqueFd scratch_;
  sys::UniqueFd source_;
  sys::UniqueFd lower_;
  sys::UniqueFd upper_mount_;
  overlay::Workspace workspace_;
};

void unshare(const sys::Proc& proc) {
  if (sys::has_capability(CAP_SYS_ADMIN)) {
    sys::unshare_mounts();
  } else {
    sys::unshare_user_and_mounts(proc);
  }
}

Result run_staged(const Options& options, const ignore::RuleSet& rules, Scratch& scratch,
                  const sys::Proc& proc, const std::string& path) {
  const Stage stage(options, rules, scratch, proc, path);
  const sys::IdMaps maps = sys::identity_maps(proc);
  const sys::UniqueFd ids = sys::make_id_namespace(proc, maps.uids, maps.gids);
  Command command;
  command.words = options.command;
  command.directory = path;
  command.output_to_stderr = options.output_to_stderr;
  command.before_exec = [&] {
    return ::fchdir(stage.workspace()) == 0 ? sys::confine(ids.get()) : -errno;
  };
  command.started = [&](pid_t pid) { scratch.add_member(pid); };
  Result result;
  result.exit_code = run_command(command);
  result.changes = stage.changes();
  return result;
}

}  // namespace

Result run(const Options& options, const ignore::RuleSet& rules, session::Store& store,
           const sys::Proc& proc) {
  require_program(options.command.front());
  const std::string path = proc.path_of(open_directory(options.directory, Code::kSource).get());
  Scratch scratch(store, proc, path, options.tmpfs);
  unshare(proc);
  Result result = run_staged(options, rules, scratch, proc, path);
  scratch.remove();
  return result;
}

}  // namespace hookcore::preview
