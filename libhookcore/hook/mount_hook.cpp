#include "libhookcore/hook/mount_hook.h"

#include "libhookcore/base/error.h"
#include "libhookcore/environment/verify.h"
#include "libhookcore/hook/claim.h"
#include "libhookcore/hook/container.h"
#include "libhookcore/hook/job.h"
#include "libhookcore/hook/origin.h"
#include "libhookcore/hook/prepare.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/sys/remove.h"

namespace hookcore::hook {
namespace {

// strict: the first broken guarantee refuses the container. warn: all of them are logged.
void check_environment(const Job& job, report::Log& log) {
  const auto findings = environment::verify(job.config, job.request, job.home.settings);
  const environment::Finding* first = nullptr;
  unsigned refused = 0;
  for (const environment::Finding& finding : findings) {
    if (finding.severity == environment::Severity::kError &&
        job.request.enforce == optin::Enforce::kStrict) {
      if (refused++ == 0) first = &finding;
    } else {
      log.warning(finding.line());
    }
  }
  if (first == nullptr) return;
  std::string what =
      std::string(first->id) + ": " + first->actual + ", expected " + first->expected;
  if (refused > 1) what += " (and " + std::to_string(refused - 1) + " more)";
  throw Error(first->code, what, std::string(first->specification), first->fix);
}

session::SessionState wanted_state(const Job& job, const sys::Proc& proc,
                                   const session::Identity& identity) {
  session::SessionState state;
  state.kind = identity.kind;
  state.container = job.state.id;
  state.bundle = job.state.bundle;
  state.restartable = optin::is_restartable(job.state.annotations);
  state.boot_id = proc.boot_id();
  state.scratch = job.request.scratch.tmpfs ? "tmpfs" : "disk";
  const auto start = proc.start_time(job.pid);
  if (!start) {
    throw Error(Code::kState, "no process " + std::to_string(job.pid),
                "container " + quote(job.state.id), kStageRemedy);
  }
  state.members.push_back({job.pid, *start, false, job.state.id, proc.pid_namespace()});
  state.origin.asked_rules = job.request.ignore_file.value_or("");
  state.pod_bundle = identity.pod_bundle;
  note_source(job, proc, state);
  return state;
}

// An application that is launched is checked, and keeps its mounts (SPEC 4).
bool leaves_everything(const optin::Request& request) {
  return request.role == optin::Role::kLaunch && request.workspace == optin::WorkspaceMode::kLive;
}

// An overlay that was mounted volatile leaves a mark in its work directory, and is refused a second
// time until that is gone (Documentation/filesystems/overlayfs.rst). In the same boot the page
// cache holds everything; after a reboot what was written last may be lost, which the user has to
// know.
void renew_work_directory(Claim& claim, const sys::Proc& proc, report::Log& log) {
  if (claim.is_restart() && claim.old_boot_id() != proc.boot_id()) {
    log.warning("the machine was restarted: what the container wrote last may be missing");
  }
  static_cast<void>(sys::remove_tree(claim.session().fd(), overlay::kWorkName));
}

// False: the container that was to share its workspace ended meanwhile.
bool try_to_serve(const Job& job, const sys::Proc& proc, session::Store& store, report::Log& log) {
  const session::Identity identity = session::identify(
      {job.state.id, job.state.bundle, job.request.session, job.state.annotations});
  if (identity.kind != session::Kind::kContainer) log.set_session(identity.directory);
  Claim claim(store, proc, identity, wanted_state(job, proc, identity));
  if (claim.already_served()) {
    log.debug("done already");
    return true;
  }
  if (!claim.is_first() && !claim.holder()) renew_work_directory(claim, proc, log);
  return prepare_container(job, proc, store, claim, log);
}

void serve(Job& job, report::Log& log) {
  const sys::Proc proc = sys::Proc::open();
  job.pid = container_pid(proc, job.state, job.stage);
  session::Store store = session::Store::open(job.home.store_root);
  while (!try_to_serve(job, proc, store, log)) {
    log.debug("the container that had the session's workspace ended, looking again");
  }
}

void run(Stage stage, report::Log& log) {
  Job job;
  job.stage = stage;
  const std::string input = read_stdin(oci::kMaxStateSize, Code::kState);
  // Before anybody else's words are looked at (CVE-2022-29162).
  sys::keep_mount_capabilities();
  job.state = oci::parse_state(input);
  const optin::Annotations& annotations = job.state.annotations;
  if (!optin::mentions_us(annotations)) return;
  log.set_container(job.state.id);
  optin::require_one_engine(annotations);
  if (optin::is_sandbox(annotations)) return;
  job.home = Home::find();
  const auto request = optin::parse_request(annotations, job.home.settings.defaults);
  if (!request) return;
  job.request = *request;
  log.set_debug(request->debug);
  job.config = read_config(job.state);
  check_environment(job, log);
  if (leaves_everything(job.request)) return;
  serve(job, log);
}

}  // namespace

void run_mount_hook(report::Log& log) { run(Stage::kRuntime, log); }
void run_mount_hook_inside(report::Log& log) { run(Stage::kContainer, log); }

}  // namespace hookcore::hook
