#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookcore::doctor {

/// A line of mountinfo (proc_pid_mountinfo(5)), as far as people are told of it.
struct Mount {
  std::string point;            ///< unescaped
  std::string type;             ///< as the kernel names it: "ext4", "fuse.sshfs"
  bool shared_by_host = false;  ///< of a virtual machine, or of Windows
  bool windows_drive = false;
};

std::vector<Mount> parse_mounts(std::string_view mountinfo);
/// Where path, absolute and without links, lies; nullopt: in none of them.
std::optional<Mount> mount_of(const std::vector<Mount>& mounts, const std::string& path);

}  // namespace hookcore::doctor
