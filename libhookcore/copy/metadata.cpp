#include "libhookcore/copy/metadata.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "libhookcore/base/error.h"
#include "libhookcore/overlay/mask_layer.h"
#include "libhookcore/sys/file.h"

namespace hookcore::copy {
namespace {

// Labels come from the place, by the security module's own rules; overlayfs shows its own
// attributes to nobody.
bool is_shown(std::string_view name) {
  if (name.starts_with("security.")) return name == "security.capability";
  return !name.starts_with("trusted.overlay.") && !name.starts_with("user.overlay.");
}

bool keep_attributes(int from, int to) {
  bool all = true;
  for (const std::string& name : sys::list_xattrs(from)) {
    if (!is_shown(name)) continue;
    // Gone meanwhile, or not for us to read.
    const auto value = sys::get_xattr(from, name);
    all = value && sys::set_xattr(to, name, *value) && all;
  }
  return all;
}

// A user namespace has no id for it, or we have no right to give files away.
bool is_ours_to_keep(int error_number) { return error_number == EPERM || error_number == EINVAL; }

// An owner that can't be set gets no power that was meant for another.
mode_t mode_of(const struct ::stat& status, bool owner_kept) {
  return status.st_mode & (owner_kept ? 07777U : 01777U);
}

bool is_own(int fd, const struct ::stat& status, std::string_view path) {
  const struct ::stat own = sys::stat_fd(fd, path);
  return own.st_uid == status.st_uid && own.st_gid == status.st_gid;
}

}  // namespace

Kept keep_metadata(int from, const struct ::stat& status, int to, std::string_view path) {
  Kept kept;
  if (::fchown(to, status.st_uid, status.st_gid) != 0) {
    if (!is_ours_to_keep(errno)) throw SystemError("fchown", path, errno);
    kept.owner = is_own(to, status, path);
  }
  kept.attributes = keep_attributes(from, to);
  if (::fchmod(to, mode_of(status, kept.owner)) != 0) throw SystemError("fchmod", path, errno);
  overlay::copy_times(status, to, path);
  return kept;
}

Kept keep_metadata_at(const struct ::stat& status, int directory, const std::string& name,
                      std::string_view path) {
  Kept kept;
  if (::fchownat(directory, name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
    if (!is_ours_to_keep(errno)) throw SystemError("fchownat", path, errno);
    kept.owner = false;
  }
  // The target's directory is ours alone: what is there is what we have made, and no link.
  if (!S_ISLNK(status.st_mode) &&
      ::fchmodat(directory, name.c_str(), mode_of(status, kept.owner), 0) != 0) {
    throw SystemError("fchmodat", path, errno);
  }
  const std::array<struct ::timespec, 2> times{status.st_atim, status.st_mtim};
  if (::utimensat(directory, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    throw SystemError("utimensat", path, errno);
  }
  return kept;
}

}  // namespace hookcore::copy
