#include "libhookcore/hook/poststop.h"

#include "libhookcore/base/error.h"
#include "libhookcore/hook/job.h"
#include "libhookcore/session/store.h"

namespace hookcore::hook {
namespace {

void end_session(session::Store& store, const sys::Proc& proc, const oci::State& state) {
  auto session = store.find(session::Store::anonymous_name(state.id));
  if (!session) return;
  // What the mount hook wrote down counts: podman's state for this stage lacks the annotation that
  // tells whose container it is.
  if (session->state() && session->state()->restartable) {
    session::SessionState stopped = *session->state();
    stopped.members.clear();
    session->write_state(std::move(stopped));
    return;
  }
  store.remove(std::move(*session), proc);
}

}  // namespace

void run_poststop_hook(report::Log& log) {
  const oci::State state = oci::parse_state(read_stdin(oci::kMaxStateSize, Code::kState));
  if (!mentions_us(state)) return;
  log.set_container(state.id);
  const Home home = Home::find();
  auto store = session::Store::open_existing(home.store_root);
  if (!store) return;
  const sys::Proc proc = sys::Proc::open();
  end_session(*store, proc, state);
  for (const std::string& problem : store->collect(proc).problems) log.warning(problem);
}

}  // namespace hookcore::hook
