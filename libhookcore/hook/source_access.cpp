#include "libhookcore/hook/source_access.h"

#include <sys/stat.h>

#include "libhookcore/environment/advice.h"
#include "libhookcore/sys/file.h"

namespace hookcore::hook {

SourceAccess::Owner SourceAccess::owner_of(int source_fd) const {
  const struct ::stat status = sys::stat_fd(source_fd, "source");
  Owner owner;
  owner.inside = namespaces_.to_inside(false, status.st_uid);
  owner.ids.uid = status.st_uid;
  owner.ids.gid = status.st_gid;
  owner.ids.mode = status.st_mode;
  owner.ids.mapped =
      owner.inside.has_value() && namespaces_.to_inside(true, status.st_gid).has_value();
  return owner;
}

std::optional<Error> SourceAccess::grant(sys::MountApi& api, sys::UniqueFd& source,
                                         overlay::IdShift& shift) const {
  const Owner owner = owner_of(source.get());
  overlay::Access access =
      overlay::decide_access(process_, owner.ids, namespaces_.can_make_id_maps());
  if (access == overlay::Access::kIdmap && !shift_ids(api, source, owner, shift)) {
    access = overlay::decide_access(process_, owner.ids, false);
  }
  if (access != overlay::Access::kNone) return std::nullopt;
  return refusal(owner);
}

std::optional<Error> SourceAccess::check(int source_fd) const {
  const Owner owner = owner_of(source_fd);
  if (overlay::decide_access(process_, owner.ids, false) != overlay::Access::kNone) {
    return std::nullopt;
  }
  return refusal(owner);
}

bool SourceAccess::shift_ids(sys::MountApi& api, sys::UniqueFd& source, const Owner& owner,
                             overlay::IdShift& shift) const {
  const overlay::IdShift wanted = overlay::shift_to_process(process_, owner.ids);
  const sys::UniqueFd map = sys::make_id_namespace(proc_, wanted.uid.ranges(), wanted.gid.ranges());
  if (!api.idmap(source, map.get())) return false;
  shift = wanted;
  return true;
}

std::string SourceAccess::remedy(const Owner& owner) const {
  if (namespaces_.can_make_id_maps()) {
    return "run as the source's owner, or put the source on ext4, xfs, btrfs or tmpfs, where its "
           "owner can be shifted";
  }
  if (environment::is_of_a_pod(config_)) {
    return owner.inside ? "give the pod's container securityContext: {runAsUser: " +
                              std::to_string(*owner.inside) + "}"
                        : "give the pod hostUsers: true";
  }
  return "add --userns=keep-id:uid=" + std::to_string(config_.user.uid) +
         ",gid=" + std::to_string(config_.user.gid) + " (podman 4.3 or later)";
}

Error SourceAccess::refusal(const Owner& owner) const {
  const std::string whose = owner.inside
                                ? "uid " + std::to_string(*owner.inside) + " of the container"
                                : "a user that the container's user namespace doesn't map";
  return {Code::kIds,
          "the process (uid " + std::to_string(config_.user.uid) + ", gid " +
              std::to_string(config_.user.gid) +
              ") could not write its workspace: the source belongs to " + whose,
          "the workspace's mount", remedy(owner)};
}

}  // namespace hookcore::hook
