#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/sys/process.h"

namespace hookcore::sys {

/// A line of /proc/PID/mountinfo (proc_pid_mountinfo(5)), as far as used.
struct MountInfo {
  uint64_t id = 0;
  uint64_t parent = 0;
  std::string mount_point;  ///< unescaped, seen from the reader's root
  bool shared = false;
  std::string type;  ///< of parse_mountinfo only: "ext4", "fuse.sshfs"
};
std::vector<MountInfo> parse_mountinfo(std::string_view text);

/// The mounts of our mount namespace. Where the kernel can be asked for single ones (statmount(2),
/// listmount(2), Linux 6.8) it is: a machine may have thousands. Else mountinfo is read, once, at
/// the first question. Ids are good within one table only.
class MountTable {
 public:
  /// proc must outlive the table.
  explicit MountTable(const Proc& proc) : proc_(proc) {}

  /// The mount that fd lies on. Throws Error(kSystem) when that isn't in our namespace.
  MountInfo of(int fd);
  /// nullopt when there is no such mount, or it can't be reached from our root.
  std::optional<MountInfo> find(uint64_t id);
  /// The mounts that stand on mount `id` itself, in no order.
  std::vector<MountInfo> children(uint64_t id);

 private:
  const std::vector<MountInfo>& all();
  bool can_list();

  const Proc& proc_;
  std::optional<bool> can_list_;
  std::optional<std::vector<MountInfo>> all_;  ///< once the kernel couldn't be asked
};

/// A person's word for the file system on which fd lies, by mountinfo: "ext4", "fuse", "virtiofs".
/// statfs(2) is asked where mountinfo can't be: to it virtiofs is a fuse, and 9p passes on what the
/// host's file system says of itself.
std::string filesystem_of(const Proc& proc, int fd);

}  // namespace hookcore::sys
