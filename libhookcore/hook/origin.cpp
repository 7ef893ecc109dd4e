#include "libhookcore/hook/origin.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <ctime>
#include <vector>

#include "libhookcore/sys/file.h"

namespace hookcore::hook {
namespace {

std::vector<std::array<uint32_t, 3>> ranges_of(const std::vector<oci::IdMapping>& mappings) {
  std::vector<std::array<uint32_t, 3>> ranges;
  ranges.reserve(mappings.size());
  for (const oci::IdMapping& one : mappings) {
    ranges.push_back({one.container_id, one.host_id, one.size});
  }
  return ranges;
}

}  // namespace

void note_source(const Job& job, const sys::Proc& proc, session::SessionState& state) {
  const oci::Mount* mount = job.config.mount_at(job.request.workspace_path);
  if (mount == nullptr || !mount->is_bind() || mount->source.empty()) return;
  // runtime-spec, config.md "Mounts": relative to the bundle.
  const std::string path =
      mount->source.starts_with('/') ? mount->source : job.state.bundle + "/" + mount->source;
  const sys::UniqueFd source(
      sys::open_at_raw(AT_FDCWD, path, O_PATH | O_DIRECTORY, sys::Resolve::kHost));
  if (source.get() < 0) return;
  const struct ::stat status = sys::stat_fd(source.get(), path);
  state.source_device = status.st_dev;
  state.source_inode = status.st_ino;
  state.origin.path = proc.path_of(source.get());
  struct timespec now {};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  state.origin.seconds = now.tv_sec;
  state.origin.nanoseconds = now.tv_nsec;
}

void confirm_source(int source_fd, session::SessionState& state) {
  const struct ::stat status = sys::stat_fd(source_fd, "source");
  if (status.st_dev == state.source_device && status.st_ino == state.source_inode) return;
  state.source_device = status.st_dev;
  state.source_inode = status.st_ino;
  state.origin.path.clear();
}

void note_view(const Job& job, const ignore::RuleSet& rules, const overlay::IdShift& shift,
               bool user_xattr, session::Origin& origin) {
  origin.asked_rules = job.request.ignore_file.value_or("");
  origin.rules = rules.file();
  origin.user_xattr = user_xattr;
  origin.uid_swap = {shift.uid.on_disk, shift.uid.shown};
  origin.gid_swap = {shift.gid.on_disk, shift.gid.shown};
  origin.uids = ranges_of(job.config.uid_mappings);
  origin.gids = ranges_of(job.config.gid_mappings);
}

}  // namespace hookcore::hook
