#include "libhookcore/hook/poststop.h"

#include <linux/capability.h>

#include <algorithm>
#include <array>

#include "libhookcore/base/error.h"
#include "libhookcore/hook/layout.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/oci/state.h"
#include "libhookcore/optin/annotations.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/session/helper.h"
#include "libhookcore/session/liveness.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {
namespace {

// With the last container its workspace goes, and whoever has kept that going.
void end_helper(const sys::Proc& proc, const session::Session& session, report::Log& log) {
  if (session::is_still_mounted(proc, *session.state())) return;
  const std::string report = session::end_helper(proc, *session.state(), session.fd());
  if (!report.empty()) log.warning(session.name() + ": " + report);
}

// In a session that others share only the member goes. Which session that is the container's
// annotations need not tell in this stage: the mount hook has written it down.
void leave_shared(session::Store& store, const sys::Proc& proc, const std::string& container,
                  report::Log& log) {
  const auto is_ours = [&](const session::Member& member) { return member.container == container; };
  const auto has_ours = [&](const std::optional<session::SessionState>& state) {
    return state && state->kind != session::Kind::kContainer &&
           std::any_of(state->members.begin(), state->members.end(), is_ours);
  };
  for (const std::string& name : store.names()) {
    const auto directory = store.look(name);
    if (!directory || !has_ours(session::read_state(directory->get()))) continue;
    auto session = store.find(name);
    if (!session || !has_ours(session->state())) continue;
    session::SessionState state = *session->state();
    std::erase_if(state.members, [&](const session::Member& member) {
      return is_ours(member) && !session::is_alive(proc, state, member);
    });
    if (!session::has_living_member(proc, state)) end_helper(proc, *session, log);
    session->write_state(std::move(state));
  }
}

// True: there is more to remove than a runtime should wait for.
bool end_session(session::Store& store, const sys::Proc& proc, const oci::State& state,
                 report::Log& log) {
  auto session = store.find(session::Store::anonymous_name(state.id));
  if (!session) return false;
  if (session->state()) end_helper(proc, *session, log);
  // What the mount hook wrote down counts: podman's state for this stage lacks the annotation that
  // tells whose container it is.
  if (session->state() && session->state()->restartable) {
    session::SessionState stopped = *session->state();
    stopped.members.clear();
    session->write_state(std::move(stopped));
    return false;
  }
  return !store.remove(std::move(*session), proc, session::kAtOnce);
}

}  // namespace

void run_poststop_hook(report::Log& log) {
  const std::string input = read_stdin(oci::kMaxStateSize, Code::kState);
  // What a container's users have written is removed, and processes are asked what they mount.
  sys::keep_capabilities(
      std::array{CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_SYS_PTRACE});
  const oci::State state = oci::parse_state(input);
  if (!optin::mentions_us(state.annotations)) return;
  log.set_container(state.id);
  const Home home = Home::find();
  auto store = session::Store::open_existing(home.store_root);
  if (!store) return;
  const sys::Proc proc = sys::Proc::open();
  const bool more = end_session(*store, proc, state, log);
  leave_shared(*store, proc, state.id, log);
  const session::CollectResult result =
      store->collect(proc, home.settings.session_idle_seconds, session::kAtOnce);
  for (const std::string& problem : result.problems) log.warning(problem);
  for (const std::string& report : result.reports) log.warning(report);
  if (more || result.unfinished) store->empty_trash_detached();
  store->keep_spare({overlay::kWorkName, overlay::kUnfinishedUpperName, kLayersName});
}

}  // namespace hookcore::hook
