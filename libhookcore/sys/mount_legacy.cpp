#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::sys {
namespace {

constexpr unsigned long kBind = MS_BIND;
constexpr unsigned long kRecursive = MS_REC;

// What this interface makes stands on its stage, and goes with that.
class StageBin : public MountBin {
 public:
  void drop(int) override {}
  bool take_away(int mount_fd) override { return detach_mount(mount_fd); }
  void empty() override {}
  void leave() override {}
};

// mount(2) takes strings only. Every one of them is "self/fd/N" relative to the host's procfs as
// working directory, so that the object is the one behind the descriptor whatever paths mean here.

class LegacyMountApi : public MountApi {
 public:
  LegacyMountApi(const Proc& proc, int stage_fd, const std::string& stage_path) : proc_(proc) {
    call_mount("tmpfs", magic(stage_fd), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
               "mode=0700,size=64k");
    stage_ = open_at(AT_FDCWD, stage_path, O_PATH | O_DIRECTORY, Resolve::kHost);
    if (filesystem_type(stage_.get()) != TMPFS_MAGIC) {
      throw Error(Code::kSystem, "the staging mount isn't where it was made", quote(stage_path));
    }
    call_mount("", magic(stage_.get()), nullptr, MS_PRIVATE, nullptr);
  }
  ~LegacyMountApi() override {
    try {
      detach_mount(stage_.get());
    } catch (const Error&) {
      // The container's mount namespace is about to be thrown away in this case.
    }
  }

  std::string_view name() const override { return "mount(2)"; }

  UniqueFd tmpfs(const TmpfsOptions& options) override {
    std::string data = "mode=0755";
    if (options.size_bytes) data += ",size=" + std::to_string(*options.size_bytes);
    return mounted_at_place(true, [&](const std::string& target) {
      call_mount(options.source, target, "tmpfs", 0, data.c_str());
    });
  }

  UniqueFd clone(int fd, bool recursive) override {
    const bool directory = S_ISDIR(stat_fd(fd, "mount to clone").st_mode);
    UniqueFd mounted = mounted_at_place(directory, [&](const std::string& target) {
      call_mount(magic(fd), target, nullptr, recursive ? kBind | kRecursive : kBind, nullptr);
    });
    if (!recursive) call_mount("", magic(mounted.get()), nullptr, MS_PRIVATE, nullptr);
    return mounted;
  }

  void set_flags(int mount_fd, const MountFlags& flags) override {
    const MountFlags old = mount_flags(mount_fd);
    unsigned long bits = MS_REMOUNT | MS_BIND;
    if (flags.read_only || old.read_only) bits |= MS_RDONLY;
    if (flags.no_suid || old.no_suid) bits |= MS_NOSUID;
    if (flags.no_dev || old.no_dev) bits |= MS_NODEV;
    if (flags.no_exec || old.no_exec) bits |= MS_NOEXEC;
    if (flags.no_atime || old.no_atime) bits |= MS_NOATIME;
    call_mount("", magic(mount_fd), nullptr, bits, nullptr);
  }

  // There is no older way than mount_setattr(2), of Linux 5.12, on a mount that is attached
  // nowhere. Overlays took such layers only later (5.19 id-mapped ones, 6.15 unattached ones): so
  // it is attached here before it is used.
  bool idmap(UniqueFd& mount, int user_namespace_fd) override {
    const UniqueFd tree(::open_tree(mount.get(), "",
                                    static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC) |
                                        static_cast<unsigned>(AT_EMPTY_PATH)));
    struct mount_attr attributes {};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<uint64_t>(user_namespace_fd);
    if (!tree) return unable("open_tree");
    if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
      return unable("mount_setattr");
    }
    bool moved = false;
    UniqueFd placed = mounted_at_place(true, [&](const std::string& target) {
      moved = ::move_mount(tree.get(), "", proc_.fd(), target.c_str(),
                           MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) == 0 ||
              unable("move_mount");
    });
    if (moved) mount = std::move(placed);
    return moved;
  }

  UniqueFd overlay(const OverlayOptions& options) override {
    std::string data = "lowerdir=";
    for (size_t i = 0; i < options.lowers.size(); ++i) {
      data += (i == 0 ? "" : ":") + magic(options.lowers[i]);
    }
    if (options.upper >= 0) {
      data += ",upperdir=" + magic(options.upper) + ",workdir=" + magic(options.work);
      if (options.is_volatile) data += ",volatile";
    }
    if (options.user_xattr) data += ",userxattr";
    data += ",xino=on";
    return mounted_at_place(true, [&](const std::string& target) {
      const std::string source = options.source.empty() ? "overlay" : options.source;
      call_mount(source, target, "overlay", 0, data.c_str());
    });
  }

  UniqueFd fuse(const FuseOptions& options) override {
    const std::string data = "fd=" + std::to_string(options.device) +
                             ",rootmode=40000,user_id=" + std::to_string(::geteuid()) +
                             ",group_id=" + std::to_string(::getegid()) +
                             ",default_permissions,allow_other";
    return mounted_at_place(true, [&](const std::string& target) {
      call_mount(options.source, target, kFuseType, 0, data.c_str());
    });
  }

  void attach(int mount_fd, int target_fd) override {
    call_mount(magic(mount_fd), magic(target_fd), nullptr, MS_MOVE, nullptr);
  }

  std::unique_ptr<MountBin> make_bin(UniqueFd, int) override {
    return std::make_unique<StageBin>();
  }

 private:
  // false, where errno says so.
  static bool unable(const char* call) {
    if (is_about_ability(errno)) return false;
    throw SystemError(call, "id map", errno);
  }

  static std::string magic(int fd) { return "self/fd/" + std::to_string(fd); }

  void call_mount(const std::string& source, const std::string& target, const char* type,
                  unsigned long flags, const char* data) const {
    if (::fchdir(proc_.fd()) != 0) throw SystemError("fchdir", "/proc", errno);
    const int result = ::mount(source.c_str(), target.c_str(), type, flags, data);
    const int error = errno;
    if (::chdir("/") != 0) throw SystemError("chdir", "/", errno);
    if (result != 0) throw SystemError("mount", type == nullptr ? "mount point" : type, error);
  }

  // Makes an entry of the stage, has it covered by a mount, and opens it again by name: a look-up
  // crosses onto the mount, where the entry's own descriptor stays below.
  template <typename Mount>
  UniqueFd mounted_at_place(bool directory, Mount mount) {
    const std::string name = std::to_string(places_++);
    UniqueFd made;
    if (directory) {
      if (::mkdirat(stage_.get(), name.c_str(), 0700) != 0) {
        throw SystemError("mkdirat", "mount stage", errno);
      }
    } else {
      made = open_at(stage_.get(), name, O_CREAT | O_EXCL | O_WRONLY, Resolve::kStrict, 0600);
    }
    const UniqueFd place = open_at(stage_.get(), name, O_PATH, Resolve::kStrict);
    mount(magic(place.get()));
    return open_at(stage_.get(), name, O_PATH, Resolve::kNoLinks);
  }

  const Proc& proc_;
  UniqueFd stage_;
  unsigned places_ = 0;
};

}  // namespace

std::unique_ptr<MountApi> make_legacy_mount_api(const Proc& proc, int stage_fd,
                                                const std::string& stage_path) {
  return std::make_unique<LegacyMountApi>(proc, stage_fd, stage_path);
}

}  // namespace hookcore::sys
