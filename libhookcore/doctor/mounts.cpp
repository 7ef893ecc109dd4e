#include "libhookcore/doctor/mounts.h"

#include "libhookcore/base/path.h"
#include "libhookcore/base/text.h"
#include "libhookcore/sys/mountinfo.h"

namespace hookcore::doctor {
namespace {

std::string_view field(std::string_view line, size_t number) {
  for (; number > 0; --number) sys::next_field(line);
  return sys::next_field(line);
}

// sshfs is what Lima's and podman's older machines share by.
bool is_shared_by_host(std::string_view type) {
  return type == "9p" || type == "virtiofs" || type == "drvfs" || type == "fuse.sshfs";
}

}  // namespace

std::vector<Mount> parse_mounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  while (!mountinfo.empty()) {
    const std::string_view line = take_line(mountinfo);
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const std::string_view rest = line.substr(dash + 3);
    Mount mount{sys::unescape_field(field(line, 4)), std::string(field(rest, 0))};
    mount.shared_by_host = is_shared_by_host(mount.type);
    mount.windows_drive =
        mount.type == "drvfs" || rest.find("aname=drvfs") != std::string_view::npos;
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

// The last of those that stand in one place covers the others.
std::optional<Mount> mount_of(const std::vector<Mount>& mounts, const std::string& path) {
  const Mount* best = nullptr;
  for (const Mount& mount : mounts) {
    if (!is_within(path, mount.point)) continue;
    if (best == nullptr || mount.point.size() >= best->point.size()) best = &mount;
  }
  return best == nullptr ? std::nullopt : std::optional(*best);
}

}  // namespace hookcore::doctor
