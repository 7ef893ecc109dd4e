#include "libhookcore/sys/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::sys {
namespace {

void write_own(const Proc& proc, const std::string& path, const std::string& text) {
  const UniqueFd file(plain_openat(proc.fd(), path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) throw SystemError("open", "/proc/" + path, errno);
  write_all(file.get(), text, "/proc/" + path);
}

[[noreturn]] void no_user_namespace(int error) {
  switch (error) {
    case ENOSPC:
      throw Error(Code::kSystem, "this machine allows no more user namespaces",
                  "/proc/sys/user/max_user_namespaces", "let the administrator raise it");
    case EPERM:
    case EACCES:
      throw Error(Code::kSystem, "this machine allows a plain user no user namespace",
                  "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, "
                  "or a seccomp filter",
                  "let the administrator allow it, or run this as root");
    default:
      throw SystemError("unshare", "user namespace", error);
  }
}

void make_mounts_private() {
  if (::mount("", "/", nullptr, MS_PRIVATE | MS_REC, nullptr) != 0) {
    throw SystemError("mount", "propagation of /", errno);
  }
}

void unshare_mapped(const Proc& proc, const std::string& shown_uid, const std::string& shown_gid) {
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) no_user_namespace(errno);
  try {
    // user_namespaces(7): a gid map by somebody without power outside needs setgroups denied.
    write_own(proc, "self/setgroups", "deny");
    write_own(proc, "self/uid_map", shown_uid + " " + uid + " 1\n");
    write_own(proc, "self/gid_map", shown_gid + " " + gid + " 1\n");
    make_mounts_private();
  } catch (const SystemError& error) {
    // AppArmor lets the namespace come to be, and refuses what is done in it.
    if (error.error_number() == EPERM || error.error_number() == EACCES) no_user_namespace(EPERM);
    throw;
  }
}

}  // namespace

void unshare_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) throw SystemError("unshare", "mount namespace", errno);
  make_mounts_private();
}

void unshare_user_and_mounts(const Proc& proc) {
  unshare_mapped(proc, std::to_string(::geteuid()), std::to_string(::getegid()));
}

void unshare_as_root(const Proc& proc) { unshare_mapped(proc, "0", "0"); }

void unshare_user() {
  if (::unshare(CLONE_NEWUSER) != 0) no_user_namespace(errno);
}

void become_root_inside() {
  if (::setresgid(0, 0, 0) != 0) throw SystemError("setresgid", "0", errno);
  if (::setresuid(0, 0, 0) != 0) throw SystemError("setresuid", "0", errno);
}

IdMaps identity_maps(const Proc& proc) {
  IdMaps maps{parse_id_map(proc.read("self/uid_map")), parse_id_map(proc.read("self/gid_map"))};
  for (IdRange& range : maps.uids) range.outside = range.inside;
  for (IdRange& range : maps.gids) range.outside = range.inside;
  return maps;
}

int confine(int user_namespace_fd) {
  if (::setns(user_namespace_fd, CLONE_NEWUSER) != 0) return -errno;
  if (::unshare(CLONE_NEWNS) != 0) return -errno;
  return 0;
}

}  // namespace hookcore::sys
