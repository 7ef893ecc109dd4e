#include "libhookcore/hook/ways.h"

#include <fcntl.h>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/copy/copy.h"
#include "libhookcore/fuse/trial.h"
#include "libhookcore/session/helper.h"
#include "libhookcore/sys/file.h"

namespace hookcore::hook {
namespace {

// oci-cnb-fuse lies beside the hook.
std::string helper_program(const sys::Proc& proc) {
  return join_path(parent_path(proc.path_of_program()), fuse::kHelperName);
}

// Files that are missing then, or empty, would pass for what its containers have made of them, and
// `session apply` would bring that to the source. A pod comes back after a restart, too.
bool outlives_boot(const session::SessionState& state) {
  return state.kind != session::Kind::kContainer || state.restartable;
}

}  // namespace

MadeWorkspace WayChain::make(sys::MountApi& api, const overlay::WorkspacePlan& plan,
                             sys::UniqueFd source, bool has_upper) {
  Work work{api, plan, std::move(source), has_upper};
  if (has_upper && !site_.job.request.scratch.tmpfs) {
    overlay::refuse_scratch_inside(site_.proc, work.source.get(), site_.scratch);
  }
  std::vector<WayRefusal> refusals;
  Code code = Code::kSystem;
  MadeWorkspace made;
  const auto try_one = [&](Way way) {
    if (site_.claim.state().way != way) site_.claim.note_way(way);
    try {
      made = take(way, work);
    } catch (const WayRefused& refused) {
      if (way == Way::kOverlay) code = refused.code();
      if (refused.is_lasting()) book(work).note(way, {false, refused.what()});
      throw;
    }
  };
  const auto way = take_first([this](Way one) { return obstacle(one); }, try_one, refusals);
  if (!way) {
    const std::string remedy = join_remedies(refusals);
    throw Error(
        code, "no way to a workspace: " + describe(refusals),
        quote(site_.claim.state().origin.path),
        remedy.empty() ? "`oci-cnb doctor DIR` tries each of them over a directory" : remedy);
  }
  session::SessionState& state = site_.claim.state();
  if (!site_.claim.is_restart()) state.way_reason = describe(refusals);
  if (!refusals.empty()) {
    site_.log.info("way " + std::string(name(*way)) + ": " + describe(refusals));
  }
  return made;
}

// What can be told without trying.
std::optional<WayRefusal> WayChain::obstacle(Way way) const {
  const session::SessionState& state = site_.claim.state();
  if (site_.claim.is_restart()) {
    if (way == state.way) return std::nullopt;
    return WayRefusal{way, "the session was begun as " + std::string(name(state.way))};
  }
  return site_.job.home.settings.ways.obstacle(way);
}

MadeWorkspace WayChain::take(Way way, Work& work) {
  switch (way) {
    case Way::kOverlay:
      return take_overlay(work);
    case Way::kFuse:
      return take_fuse(work);
    case Way::kReflink:
    case Way::kCopy:
      break;
  }
  return take_copy(way, work);
}

session::WayBook WayChain::book(const Work& work) const {
  return {site_.store.fd(), site_.claim.state().boot_id, work.source.get(), site_.scratch,
          site_.namespaces.user_xattr()};
}

void WayChain::prepare_scratch(Work& work) const {
  if (!work.has_upper) return;
  if (!work.scratch) {
    const optin::Scratch& scratch = site_.job.request.scratch;
    work.scratch =
        scratch.tmpfs ? work.api.tmpfs({scratch.size_bytes}) : work.api.clone(site_.scratch, false);
  }
  overlay::prepare_upper(work.scratch.get(), work.source.get());
}

MadeWorkspace WayChain::made(Work& work, sys::UniqueFd mount) {
  MadeWorkspace made;
  made.account = std::to_string(work.workspace.masks) + " masks";
  made.mount = std::move(mount);
  made.tmpfs = std::move(work.workspace.tmpfs);
  made.spent.push_back(std::move(work.source));
  if (work.scratch) made.spent.push_back(std::move(work.scratch));
  return made;
}

MadeWorkspace WayChain::take_overlay(Work& work) {
  try {
    if (work.has_upper && !site_.job.request.scratch.tmpfs) require_fit_scratch(work);
    prepare_scratch(work);
    work.workspace = overlay::make_masks(work.api, work.plan, work.source.get());
    overlay::mount_layers(work.api, work.plan, work.source.get(),
                          work.scratch ? work.scratch.get() : -1, work.workspace);
  } catch (const overlay::OverlayRefused& refused) {
    // Nothing to write down: to ask the kernel again costs little, and its answer may have been
    // about this moment.
    throw WayRefused(refused.what(), refused.remedy(), false, refused.code());
  }
  sys::UniqueFd mount = std::move(work.workspace.mount);
  return made(work, std::move(mount));
}

// That scratch is fit is in the probe's file, which every container reads; that it is not, in the
// book, which is opened where the probe knows nothing.
void WayChain::require_fit_scratch(const Work& work) const {
  if (probe_.is_known(site_.scratch)) return;
  const auto known = book(work).find(Way::kOverlay);
  if (known && !known->works) {
    throw WayRefused(known->reason, overlay::kFitScratch, false, Code::kScratch);
  }
  try {
    probe_.require(site_.proc, site_.scratch);
  } catch (const overlay::OverlayRefused& refused) {
    throw WayRefused(refused.what(), refused.remedy(), true, refused.code());
  }
}

// The same layers.
MadeWorkspace WayChain::take_fuse(Work& work) {
  if (site_.job.stage == Stage::kContainer) {
    throw WayRefused("the hook runs inside of the container, where no daemon is started");
  }
  fuse::require_available();
  const auto known = book(work).find(Way::kFuse);
  if (known && !known->works) throw WayRefused(known->reason);
  try {
    if (!known && work.has_upper && !site_.job.request.scratch.tmpfs) try_fuse(work);
    prepare_scratch(work);
    if (!work.workspace.tmpfs) {
      work.workspace = overlay::make_masks(work.api, work.plan, work.source.get());
    }
    helper_.emplace(launch(work, work.workspace.tmpfs.get(), work.source.get(),
                           work.scratch ? work.scratch.get() : -1));
  } catch (const SystemError& error) {
    throw WayRefused(error.what());
  }
  session::Helper record;
  record.pid = helper_->pid();
  record.start_time = site_.proc.start_time(record.pid).value_or(0);
  record.boot_id = site_.claim.state().boot_id;
  session::write_helper(site_.claim.session().fd(), record);
  return made(work, helper_->take_mount());
}

void WayChain::try_fuse(Work& work) {
  fuse::try_out(work.api, site_.scratch, [&](int masks, int source, int scratch) {
    return launch(work, masks, source, scratch);
  });
  book(work).note(Way::kFuse, {true, {}});
}

fuse::Launch WayChain::launch(Work& work, int masks, int source, int scratch) const {
  fuse::Plan plan;
  const std::string& mount_source = work.plan.mount_source;
  plan.mount.source = mount_source.empty() ? "oci-cnb" : mount_source;
  plan.mask = masks;
  plan.source = source;
  plan.scratch = scratch;
  plan.rootfs = site_.rootfs.path();
  plan.program = helper_program(site_.proc);
  plan.container = site_.job.state.id;
  plan.session = site_.claim.session().name();
  const sys::UniqueFd log = site_.store.log_directory();
  plan.log_directory = log.get();
  // Opened once more: the other descriptor is the session's lock, which would be held for as long
  // as any copy of it.
  const sys::UniqueFd session = sys::reopen_directory(site_.claim.session().fd());
  plan.session_directory = session.get();
  try {
    return fuse::Launch(work.api, plan);
  } catch (const Error& error) {
    throw WayRefused(error.what());
  }
}

// The session's directory itself is mounted: no overlay is between, and nothing of the source
// below.
MadeWorkspace WayChain::take_copy(Way way, Work& work) {
  if (site_.job.request.scratch.tmpfs) throw WayRefused("a copy lies on disk, not in memory");
  // Or the copy would be copied, too.
  if (!work.has_upper) {
    overlay::refuse_scratch_inside(site_.proc, work.source.get(), site_.scratch);
  }
  const bool there = site_.claim.is_restart() && sys::stat_at(site_.scratch, kCopyName).has_value();
  const std::string account = there ? "the copy of before" : copy_source(way, work);
  const sys::UniqueFd copy = sys::open_at(site_.scratch, kCopyName,
                                          O_PATH | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kStrict);
  if (!work.workspace.tmpfs) work.workspace.tmpfs = work.api.tmpfs({});
  MadeWorkspace result = made(work, work.api.clone(copy.get(), false));
  result.account = account;
  return result;
}

// What it did, for the log.
std::string WayChain::copy_source(Way way, const Work& work) {
  copy::Options options;
  options.method = way == Way::kReflink ? copy::Method::kReflink : copy::Method::kPlain;
  options.limit_bytes = site_.job.home.settings.ways.copy_limit_bytes;
  options.anchors = work.plan.anchors;
  options.durable = outlives_boot(site_.claim.state());
  options.progress = [this](const copy::Progress& progress) {
    site_.log.info("copied " + std::to_string(progress.bytes) + " of " +
                   std::to_string(progress.all_bytes) + " bytes");
  };
  try {
    const copy::Result result = copy::make_copy(work.source.get(), work.plan.rules,
                                                site_.claim.session().fd(), kCopyName, options);
    if (result.attributes_refused > 0) {
      site_.log.warning(std::to_string(result.attributes_refused) +
                        " files lack an attribute of their originals: the scratch's file system "
                        "refused it, first for " +
                        quote(result.first_refused));
    }
    return std::to_string(result.entries) + " entries copied, " + std::to_string(result.bytes) +
           " bytes";
  } catch (const copy::Refused& refused) {
    throw WayRefused(refused.what(), refused.remedy());
  }
}

void WayChain::keep() {
  if (helper_) helper_->keep();
}

}  // namespace hookcore::hook
