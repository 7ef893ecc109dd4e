#include "libhookcore/sys/mount_table.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <iterator>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/mountinfo.h"

namespace hookcore::sys {
namespace {

// linux/mount.h and linux/stat.h of Linux 6.8, which Debian 12's headers don't have yet.
constexpr long kStatmountCall = 457;
constexpr long kListmountCall = 458;
constexpr unsigned kStatxUniqueMountId = 0x4000;
constexpr uint64_t kStatmountBasic = 0x2;
constexpr uint64_t kStatmountPoint = 0x10;

struct MountIdRequest {
  uint32_t size = sizeof(MountIdRequest);
  uint32_t spare = 0;
  uint64_t mount_id = 0;
  uint64_t parameter = 0;
};
static_assert(sizeof(MountIdRequest) == 24, "MNT_ID_REQ_SIZE_VER0");

struct StatmountReply {
  uint32_t size;
  uint32_t options;
  uint64_t mask;
  std::array<uint32_t, 2> device;
  uint64_t magic;
  uint32_t superblock_flags;
  uint32_t type;
  uint64_t id;
  uint64_t parent;
  std::array<uint32_t, 2> reused_ids;
  uint64_t attributes;
  uint64_t propagation;
  std::array<uint64_t, 3> peers;
  uint32_t root;
  uint32_t point;  ///< offset in text
  std::array<uint64_t, 50> spare;
  std::array<char, 4096 + 64> text;
};
static_assert(offsetof(StatmountReply, point) == 108);
static_assert(offsetof(StatmountReply, text) == 512);

// 0 or -errno.
int ask(uint64_t id, MountInfo& mount) {
  MountIdRequest request;
  request.mount_id = id;
  request.parameter = kStatmountBasic | kStatmountPoint;
  StatmountReply reply;
  if (::syscall(kStatmountCall, &request, &reply, sizeof reply, 0) != 0) return -errno;
  if ((reply.mask & request.parameter) != request.parameter) return -ENOENT;
  mount.id = reply.id;
  mount.parent = reply.parent;
  mount.shared = (reply.propagation & MS_SHARED) != 0;
  mount.mount_point = reply.text.data() + reply.point;
  return 0;
}

// The id that is never given again, and whether the kernel told that one.
uint64_t newest_mount_id(int fd, bool& unique) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID | kStatxUniqueMountId, &status) != 0) {
    throw SystemError("statx", "mount point", errno);
  }
  unique = (status.stx_mask & kStatxUniqueMountId) != 0;
  return status.stx_mnt_id;
}

// The ids of all mounts below one, at any depth; -errno.
long list_below(uint64_t id, std::vector<uint64_t>& ids) {
  MountIdRequest request;
  request.mount_id = id;
  std::array<uint64_t, 256> part{};
  while (true) {
    const long got = ::syscall(kListmountCall, &request, part.data(), part.size(), 0);
    if (got < 0) return -errno;
    ids.insert(ids.end(), part.begin(), part.begin() + got);
    if (static_cast<size_t>(got) < part.size()) return 0;
    request.parameter = part.back();
  }
}

uint64_t number(std::string_view word) {
  uint64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

}  // namespace

std::vector<MountInfo> parse_mountinfo(std::string_view text) {
  std::vector<MountInfo> mounts;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.empty()) continue;
    MountInfo mount;
    mount.id = number(next_field(line));
    mount.parent = number(next_field(line));
    next_field(line);  // device
    next_field(line);  // root within the file system
    mount.mount_point = unescape_field(next_field(line));
    next_field(line);  // mount options
    for (std::string_view field = next_field(line); field != "-" && !line.empty();
         field = next_field(line)) {
      if (field.starts_with("shared:")) mount.shared = true;
    }
    mount.type = next_field(line);
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

const std::vector<MountInfo>& MountTable::all() {
  if (!all_) all_ = parse_mountinfo(proc_.read("self/mountinfo"));
  return *all_;
}

// The one call without the other would leave us with ids of two kinds. ENOSYS is answered before
// any argument is looked at.
bool MountTable::can_list() {
  if (!can_list_) {
    can_list_ = ::syscall(kListmountCall, nullptr, nullptr, 0, 0) >= 0 || errno != ENOSYS;
  }
  return *can_list_;
}

MountInfo MountTable::of(int fd) {
  if (!all_) {
    bool unique = false;
    const uint64_t id = newest_mount_id(fd, unique);
    MountInfo mount;
    if (unique && can_list() && ask(id, mount) == 0) return mount;
  }
  if (const auto mount = (all(), find(mount_id(proc_, fd)))) return *mount;
  throw Error(Code::kSystem, "a mount is not in our mount namespace", "/proc/self/mountinfo");
}

std::optional<MountInfo> MountTable::find(uint64_t id) {
  if (!all_) {
    MountInfo mount;
    const int result = ask(id, mount);
    if (result == 0) return mount;
    if (result == -ENOENT) return std::nullopt;
    throw SystemError("statmount", "a mount", -result);
  }
  const auto found = std::find_if(all_->begin(), all_->end(),
                                  [id](const MountInfo& mount) { return mount.id == id; });
  return found == all_->end() ? std::nullopt : std::optional(*found);
}

std::vector<MountInfo> MountTable::children(uint64_t id) {
  std::vector<MountInfo> found;
  if (!all_) {
    std::vector<uint64_t> ids;
    const long result = list_below(id, ids);
    if (result != 0)
      throw SystemError("listmount", "mounts below a mount", static_cast<int>(-result));
    for (const uint64_t below : ids) {
      const auto mount = find(below);
      if (mount && mount->parent == id) found.push_back(*mount);
    }
    return found;
  }
  std::copy_if(all_->begin(), all_->end(), std::back_inserter(found),
               [id](const MountInfo& mount) { return mount.parent == id; });
  return found;
}

std::string filesystem_of(const Proc& proc, int fd) {
  try {
    const uint64_t id = mount_id(proc, fd);
    for (const MountInfo& mount : parse_mountinfo(proc.read("self/mountinfo"))) {
      if (mount.id == id) return mount.type.substr(0, mount.type.find('.'));
    }
  } catch (const SystemError&) {
    return filesystem_name(filesystem_type(fd));
  }
  return filesystem_name(filesystem_type(fd));
}

}  // namespace hookcore::sys
