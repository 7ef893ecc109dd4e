#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/fd.h"

/// Files by descriptor. Nothing here takes a path that is resolved more than once, and nothing
/// creates a file through a path that a container or a source tree controls.
namespace hookcore::sys {

/// How openat2(2) may resolve a path.
enum class Resolve {
  /// As chroot would: absolute links and ".." stay below dirfd, magic links refused. For paths
  /// inside a container's rootfs and for ignore files inside a source (notes: security.md).
  kInRoot,
  /// No link of any kind, nothing above dirfd, no mount crossed. For our own scratch.
  kStrict,
  /// No link of any kind, nothing above dirfd; mounts may be crossed. For a source tree.
  kNoLinks,
  /// Plain host path of the administrator or the engine, magic links refused.
  kHost,
};

/// openat2(2) with O_CLOEXEC, or where that is missing the same step by step (open_steps.h); throws
/// SystemError. path is relative to dirfd (kHost: may be
/// absolute). mode is used with O_CREAT only.
UniqueFd open_at(int dirfd, const std::string& path, int flags, Resolve resolve, mode_t mode = 0);
/// The same, with nullopt for ENOENT.
std::optional<UniqueFd> try_open_at(int dirfd, const std::string& path, int flags, Resolve resolve);
/// The same, -errno instead of a throw; for callers that tell several errors apart.
int open_at_raw(int dirfd, const std::string& path, int flags, Resolve resolve, mode_t mode = 0);

/// A path of the host as a person, or the configuration, names it. Throws SystemError of this code.
UniqueFd open_named(const std::string& path, int flags, Code code, const std::string& remedy = {});

/// openat(2), uninterrupted; -1 with errno. For what open_at() isn't made for: magic links of
/// procfs, single names.
int plain_openat(int dirfd, const char* path, int flags, mode_t mode = 0);

/// Opens path below root without following a link, however long it is; empty: root itself. -errno
/// on failure.
int open_below(int root, const std::string& path, int flags, Resolve resolve = Resolve::kNoLinks);

/// The same; empty where nothing of this kind is there, or nothing that we may open. Any other
/// error, which tells nothing of what is there, throws.
UniqueFd open_if_readable(int root, const std::string& path, int flags,
                          Resolve resolve = Resolve::kNoLinks);

/// Opens the directory behind an O_PATH descriptor for reading; needs no /proc.
UniqueFd reopen_directory(int fd);

/// The names in a directory, "." and ".." left out, in no order. fd may be O_PATH.
std::vector<std::string> list_directory(int fd);

/// fstat; throws SystemError naming object.
struct ::stat stat_fd(int fd, std::string_view object);
/// Device and inode are those of one object, under whatever name.
inline bool is_same_object(const struct ::stat& a, const struct ::stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
/// The same of two descriptors; throws SystemError naming object.
bool is_same_object(int a, int b, std::string_view object);
/// fstatat with AT_SYMLINK_NOFOLLOW; nullopt for ENOENT.
std::optional<struct ::stat> stat_at(int dirfd, const std::string& name);

/// Reads fd to its end. Throws Error(code) when there are more than max bytes.
std::string read_all(int fd, size_t max, std::string_view object, Code code = Code::kSystem);
/// Writes everything, through short writes and EINTR.
void write_all(int fd, std::string_view bytes, std::string_view object);

/// When replace_file returns, what survives a power cut.
enum class Durability {
  kDurable,  ///< old or new contents: fsync of file and directory
  kCrash,    ///< nothing promised; a killed process still leaves old or new, never half
};

/// Replaces dirfd/name with bytes: temporary file beside it, write, rename.
void replace_file(int dirfd, const std::string& name, std::string_view bytes, mode_t mode = 0600,
                  Durability durability = Durability::kDurable);

/// The same for a file of somebody else: owner and mode of the new one are like's.
void replace_file_like(int dirfd, const std::string& name, std::string_view bytes,
                       const struct ::stat& like, Durability durability = Durability::kCrash);

/// renameat2(2) with RENAME_NOREPLACE, on one file system; 0 or -errno.
int rename_to_free_name(int from_dirfd, const std::string& from, int to_dirfd,
                        const std::string& to);

/// The names of fd's extended attributes, and one's value; empty where there are none, or none for
/// us to read. Any other error throws.
std::vector<std::string> list_xattrs(int fd);
std::optional<std::string> get_xattr(int fd, const std::string& name);
/// false when the file system or the namespace refuses this attribute.
bool set_xattr(int fd, const std::string& name, std::string_view value);

/// f_type of statfs(2).
int64_t filesystem_type(int fd);
/// A person's word for it: "ext4", "fuse", or the number in hexadecimal.
std::string filesystem_name(int64_t type);

}  // namespace hookcore::sys
