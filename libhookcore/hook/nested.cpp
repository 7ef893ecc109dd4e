#include "libhookcore/hook/nested.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/explain.h"
#include "libhookcore/sys/file.h"

namespace hookcore::hook {

std::vector<NestedMount> take_nested_mounts(sys::MountApi& api, sys::MountTable& mounts,
                                            const oci::ConfigView& config,
                                            const std::string& workspace_path,
                                            const EngineMount& workspace,
                                            const ignore::RuleSet& rules) {
  const std::string prefix = workspace.info.mount_point + "/";
  std::vector<NestedMount> nested;
  for (const sys::MountInfo& mount : mounts.children(workspace.info.id)) {
    if (!mount.mount_point.starts_with(prefix)) continue;
    NestedMount entry;
    entry.path = mount.mount_point.substr(prefix.size());
    const oci::Mount* asked = config.mount_at(workspace_path + "/" + entry.path);
    if (asked == nullptr) {
      if (ignore::explain(workspace.fd, rules, entry.path).hidden) continue;
      throw Error(Code::kSource, "a file system is mounted inside the source", quote(entry.path),
                  "exclude it in the ignore file, or mount it into the container by itself (-v "
                  "HOSTDIR:" +
                      workspace_path + "/...)");
    }
    const sys::UniqueFd place =
        sys::open_at(workspace.fd, entry.path, O_PATH | O_NOFOLLOW, sys::Resolve::kNoLinks);
    entry.directory = S_ISDIR(sys::stat_fd(place.get(), entry.path).st_mode);
    entry.tree = api.clone(place.get(), true);
    // crun makes mounts read-only after the hooks have run, and then only those that it knows.
    sys::MountFlags flags;
    flags.read_only = asked->is_readonly();
    api.set_flags(entry.tree.get(), flags);
    nested.push_back(std::move(entry));
  }
  return nested;
}

std::vector<overlay::Anchor> anchors(const std::vector<NestedMount>& nested) {
  std::vector<overlay::Anchor> out;
  out.reserve(nested.size());
  for (const NestedMount& mount : nested) out.push_back({mount.path, mount.directory});
  return out;
}

void attach_nested_mounts(sys::MountApi& api, const std::vector<NestedMount>& nested,
                          int overlay_fd) {
  for (const NestedMount& mount : nested) {
    const sys::UniqueFd target =
        sys::open_at(overlay_fd, mount.path, O_PATH | O_NOFOLLOW, sys::Resolve::kNoLinks);
    api.attach(mount.tree.get(), target.get());
  }
}

}  // namespace hookcore::hook
