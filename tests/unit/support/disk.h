#pragma once

#include <string>

/// A file system of its own, made in an image file and mounted through a loop device: for tests of
/// what only some can do.
namespace disk {

/// The image lies beside the mount point, which is made; both go with the sandbox, and so does the
/// mount. kind: as mkfs(8) has it, "btrfs", "xfs" or "ext4". Throws std::runtime_error.
std::string mount(const std::string& kind, const std::string& place);

}  // namespace disk
