#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::sys {
namespace {

[[noreturn]] void fail(std::string_view call, std::string_view object, int error) {
  if (error == ENOSYS) throw MountApiUnavailable(std::string(call) + " is not there");
  throw SystemError(call, object, error);
}

// A file system context keeps the kernel's own words about a failure; they say more than errno.
std::string kernel_message(int context) {
  std::array<char, 512> text{};
  std::string message;
  while (true) {
    const ssize_t size = ::read(context, text.data(), text.size());
    if (size <= 0) break;
    // "e overlay: ..." (error), "w ..." (warning), "i ..." (information).
    const std::string_view line(text.data(), static_cast<size_t>(size));
    if (line.starts_with("e "))
      message += (message.empty() ? "" : ", ") + std::string(line.substr(2));
  }
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return message;
}

class Context {
 public:
  explicit Context(const char* type) : type_(type), fd_(::fsopen(type, FSOPEN_CLOEXEC)) {
    if (!fd_) fail("fsopen", type, errno);
  }

  void flag(const char* key) { config(FSCONFIG_SET_FLAG, key, nullptr, 0); }
  void string(const char* key, const std::string& value) {
    config(FSCONFIG_SET_STRING, key, value.c_str(), 0);
  }
  // false: this parameter isn't known, or takes no descriptor (EINVAL before Linux 6.13;
  // EOPNOTSUPP before 6.5, where overlayfs takes what mount(2) takes).
  bool descriptor(const char* key, int fd) {
    if (::fsconfig(fd_.get(), FSCONFIG_SET_FD, key, nullptr, fd) == 0) return true;
    if (errno == EINVAL || errno == EOPNOTSUPP) return false;
    fail("fsconfig", std::string(type_) + " " + key, errno);
  }
  // The detached mount. On failure the kernel's own message goes into the error.
  UniqueFd mount() {
    if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) refuse("fsconfig");
    UniqueFd mounted(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, 0));
    if (!mounted) refuse("fsmount");
    return mounted;
  }

 private:
  void config(unsigned command, const char* key, const void* value, int aux) {
    if (::fsconfig(fd_.get(), command, key, value, aux) != 0) {
      fail("fsconfig", std::string(type_) + " " + key, errno);
    }
  }
  [[noreturn]] void refuse(std::string_view call) {
    const int error = errno;
    if (error == ENOSYS) fail(call, type_, error);
    const std::string message = kernel_message(fd_.get());
    // Before Linux 6.15 overlayfs refuses layers that are attached nowhere with EINVAL. If it is
    // something else, the other way fails on it as well and tells.
    if (error == EINVAL) throw MountApiUnavailable(std::string(type_) + ": " + message);
    throw SystemError(call, message.empty() ? type_ : std::string(type_) + ": " + message, error);
  }

  const char* type_;
  UniqueFd fd_;
};

// ENOSYS is answered before any argument is looked at.
void require_call(const char* name, long result) {
  if (result < 0 && errno == ENOSYS) throw MountApiUnavailable(std::string(name) + " is not there");
}

// A tmpfs that stands somewhere: what is moved onto its directory, one on top of the other, goes
// with it.
class StandingBin : public MountBin {
 public:
  StandingBin(UniqueFd tmpfs, int stage_fd) : tmpfs_(std::move(tmpfs)), place_(make_place()) {
    move(tmpfs_.get(), stage_fd);
  }
  ~StandingBin() override {
    try {
      if (stands_) detach_mount(tmpfs_.get());
    } catch (const Error&) {
      // An error is on its way already: the container doesn't start.
    }
  }

  void drop(int mount_fd) override { move(mount_fd, place_.get()); }

  bool take_away(int mount_fd) override {
    // Otherwise what is mounted below would also go from the mount's peers: from the host.
    struct mount_attr attributes {};
    attributes.propagation = MS_PRIVATE;
    if (::mount_setattr(mount_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                        sizeof attributes) != 0) {
      fail("mount_setattr", "propagation of a mount to take away", errno);
    }
    if (try_move(mount_fd, place_.get())) return true;
    if (errno == EINVAL) return false;
    fail("move_mount", "mount to take away", errno);
  }

  void empty() override {
    if (!detach_mount(tmpfs_.get())) fail("umount2", "mounts that are to go", EINVAL);
    stands_ = false;
  }
  void leave() override { stands_ = false; }

 private:
  static bool try_move(int mount_fd, int target_fd) {
    return ::move_mount(mount_fd, "", target_fd, "",
                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0;
  }
  static void move(int mount_fd, int target_fd) {
    if (!try_move(mount_fd, target_fd)) fail("move_mount", "mount that is to go", errno);
  }
  UniqueFd make_place() const {
    const std::string name = "bin";
    if (::mkdirat(tmpfs_.get(), name.c_str(), 0700) != 0) throw SystemError("mkdirat", name, errno);
    return open_at(tmpfs_.get(), name, O_PATH | O_DIRECTORY, Resolve::kStrict);
  }

  UniqueFd tmpfs_;
  UniqueFd place_;
  bool stands_ = true;  ///< and goes with this object
};

class NewMountApi : public MountApi {
 public:
  NewMountApi() {
    require_call("fsopen", ::fsopen("", ~0U));
    require_call("open_tree", ::open_tree(-1, "", 0));
    require_call("move_mount", ::move_mount(-1, "", -1, "", 0));
    require_call("fsmount", ::fsmount(-1, 0, 0));
    require_call("fsconfig", ::fsconfig(-1, FSCONFIG_SET_FLAG, nullptr, nullptr, 0));
    require_call("mount_setattr", ::mount_setattr(-1, "", 0, nullptr, 0));
  }

  std::string_view name() const override { return "fsopen"; }

  UniqueFd tmpfs(const TmpfsOptions& options) override {
    Context context("tmpfs");
    context.string("mode", "0755");
    if (options.source != "tmpfs") context.string("source", options.source);
    if (options.size_bytes) context.string("size", std::to_string(*options.size_bytes));
    return context.mount();
  }

  UniqueFd clone(int fd, bool recursive) override {
    const unsigned flags = static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC) |
                           static_cast<unsigned>(AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0));
    UniqueFd tree(::open_tree(fd, "", flags));
    if (!tree) fail("open_tree", "mount to clone", errno);
    if (recursive) return tree;
    // A clone of a shared mount is its peer: what a container mounts in it would reach the host.
    struct mount_attr attributes {};
    attributes.propagation = MS_PRIVATE;
    if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
      fail("mount_setattr", "propagation of a clone", errno);
    }
    return tree;
  }

  void set_flags(int mount_fd, const MountFlags& flags) override {
    struct mount_attr attributes {};
    if (flags.read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
    if (flags.no_suid) attributes.attr_set |= MOUNT_ATTR_NOSUID;
    if (flags.no_dev) attributes.attr_set |= MOUNT_ATTR_NODEV;
    if (flags.no_exec) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
    if (flags.no_atime) {
      attributes.attr_set |= MOUNT_ATTR_NOATIME;
      attributes.attr_clr |= MOUNT_ATTR__ATIME;
    }
    if (attributes.attr_set == 0) return;
    if (::mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
      fail("mount_setattr", "mount flags", errno);
    }
  }

  bool idmap(UniqueFd& mount, int user_namespace_fd) override {
    struct mount_attr attributes {};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<uint64_t>(user_namespace_fd);
    if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0) {
      return true;
    }
    if (is_about_ability(errno)) return false;
    fail("mount_setattr", "id map", errno);
  }

  UniqueFd overlay(const OverlayOptions& options) override {
    Context context("overlay");
    for (const int lower : options.lowers) layer(context, "lowerdir+", lower);
    if (options.upper >= 0) {
      layer(context, "upperdir", options.upper);
      layer(context, "workdir", options.work);
      if (options.is_volatile) context.flag("volatile");
    }
    if (options.user_xattr) context.flag("userxattr");
    context.string("xino", "on");
    if (!options.source.empty()) context.string("source", options.source);
    return context.mount();
  }

  UniqueFd fuse(const FuseOptions& options) override {
    Context context("fuse");
    context.string("source", options.source);
    context.string("subtype", std::string(kFuseType).substr(5));
    context.string("fd", std::to_string(options.device));
    context.string("rootmode", "40000");
    context.string("user_id", std::to_string(::geteuid()));
    context.string("group_id", std::to_string(::getegid()));
    context.flag("default_permissions");
    context.flag("allow_other");
    return context.mount();
  }

  void attach(int mount_fd, int target_fd) override {
    if (::move_mount(mount_fd, "", target_fd, "",
                     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
      fail("move_mount", "mount point", errno);
    }
  }

  std::unique_ptr<MountBin> make_bin(UniqueFd tmpfs, int stage_fd) override {
    return std::make_unique<StandingBin>(std::move(tmpfs), stage_fd);
  }

 private:
  static void layer(Context& context, const char* key, int fd) {
    if (!context.descriptor(key, fd)) {
      throw MountApiUnavailable(std::string("overlay takes no descriptor for ") + key);
    }
  }
};

}  // namespace

std::unique_ptr<MountApi> make_new_mount_api() { return std::make_unique<NewMountApi>(); }

}  // namespace hookcore::sys
