#include "libhookcore/hook/upper_probe.h"

#include <fcntl.h>

#include "libhookcore/base/error.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/sys/file.h"

namespace hookcore::hook {
namespace {

constexpr const char* kMarker = "upper-probed";
constexpr size_t kMarkerMax = 4096;

}  // namespace

void UpperProbe::require(const sys::Proc& proc, int scratch_fd) const {
  overlay::probe_upper(proc, scratch_fd, user_xattr_);
  try {
    sys::replace_file(store_fd_, kMarker, key(scratch_fd), 0600, sys::Durability::kCrash);
  } catch (const Error&) {
    // Then the next container tries again.
  }
}

// A device number may be given again after an unmount: the type tells most of those cases apart,
// and the mount itself fails in the others.
std::string UpperProbe::key(int scratch_fd) const {
  return boot_id_ + " " + std::to_string(sys::stat_fd(scratch_fd, "scratch directory").st_dev) +
         " " + sys::filesystem_name(sys::filesystem_type(scratch_fd)) +
         (user_xattr_ ? " user.overlay\n" : " trusted.overlay\n");
}

bool UpperProbe::is_known(int scratch_fd) const {
  if (boot_id_.empty()) return false;
  const int fd = sys::open_at_raw(store_fd_, kMarker, O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
                                  sys::Resolve::kStrict);
  if (fd < 0) return false;
  const sys::UniqueFd marker(fd);
  try {
    return sys::read_all(marker.get(), kMarkerMax, kMarker) == key(scratch_fd);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace hookcore::hook
