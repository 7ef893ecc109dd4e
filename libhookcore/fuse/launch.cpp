#include "libhookcore/fuse/launch.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/process.h"

namespace hookcore::fuse {
namespace {

constexpr const char* kDevice = "/dev/fuse";
// Documentation/admin-guide/devices.txt
constexpr unsigned kDeviceMajor = 10;
constexpr unsigned kDeviceMinor = 229;
constexpr size_t kMaxMessage = 1024;

void require(bool done, const char* call, const char* object) {
  if (!done) throw SystemError(call, object, errno);
}

// Another mount of a layer, which the namespace to come can have. Before Linux 6.15 a mount that is
// attached nowhere can't be cloned: then it is moved itself.
sys::UniqueFd for_another_namespace(int layer) {
  sys::UniqueFd tree(::open_tree(layer, "",
                                 static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC) |
                                     static_cast<unsigned>(AT_EMPTY_PATH)));
  if (!tree) tree.reset(::fcntl(layer, F_DUPFD_CLOEXEC, 3));
  require(static_cast<bool>(tree), "open_tree", "a layer");
  return tree;
}

// In the child: throws, or becomes the helper.
class Room {
 public:
  explicit Room(const Plan& plan)
      : plan_(plan),
        mask_(for_another_namespace(plan.mask)),
        source_(for_another_namespace(plan.source)) {
    if (plan.scratch >= 0) scratch_ = for_another_namespace(plan.scratch);
  }

  void enter() {
    require(::unshare(CLONE_NEWNS) == 0, "unshare", "mount namespace");
    require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mount", "/");
    forget_container();
    require(::mount("tmpfs", kStage, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                    "mode=0700,size=64k") == 0,
            "mount", kStage);
    const sys::UniqueFd stage =
        sys::open_at(AT_FDCWD, kStage, O_PATH | O_DIRECTORY, sys::Resolve::kHost);
    put(stage.get(), kMaskPlace, mask_.get());
    put(stage.get(), kSourcePlace, source_.get());
    make_source_read_only();
    if (scratch_) put(stage.get(), kScratchPlace, scratch_.get());
    require(::chdir("/") == 0, "chdir", "/");
  }

 private:
  // What the runtime has mounted for the container, and what covers it at this moment: it would
  // live for as long as the helper.
  void forget_container() const {
    while (::umount2(plan_.rootfs.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
    }
  }

  // Whatever the daemon does. A user namespace holds the other flags, so they are repeated.
  static void make_source_read_only() {
    const std::string path = std::string(kStage) + "/" + kSourcePlace;
    const sys::UniqueFd source =
        sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, sys::Resolve::kHost);
    const sys::MountFlags flags = sys::mount_flags(source.get());
    unsigned long bits = MS_REMOUNT | MS_BIND | MS_RDONLY;
    if (flags.no_suid) bits |= MS_NOSUID;
    if (flags.no_dev) bits |= MS_NODEV;
    if (flags.no_exec) bits |= MS_NOEXEC;
    require(::mount(nullptr, path.c_str(), nullptr, bits, nullptr) == 0, "mount", kSourcePlace);
  }

  static void put(int stage, const char* place, int tree) {
    require(::mkdirat(stage, place, 0700) == 0, "mkdirat", place);
    const sys::UniqueFd target =
        sys::open_at(stage, place, O_PATH | O_DIRECTORY, sys::Resolve::kStrict);
    require(::move_mount(tree, "", target.get(), "",
                         MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0,
            "move_mount", place);
  }

  const Plan& plan_;
  sys::UniqueFd mask_;
  sys::UniqueFd source_;
  sys::UniqueFd scratch_;
};

// Puts the descriptors where the helper looks for them; none else stays open. Two steps, since one
// may stand in another's place.
void arrange_descriptors(const Plan& plan, int socket) {
  constexpr int kFree = 16;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  std::array<int, 7> wanted{};
  wanted.fill(null);
  wanted[kDeviceFd] = plan.mount.device;
  wanted[kHookFd] = socket;
  if (plan.log_directory >= 0) wanted[kLogFd] = plan.log_directory;
  wanted[kSessionFd] = plan.session_directory;
  for (int& fd : wanted) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, kFree);
    require(fd >= 0, "fcntl", "descriptor");
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    require(::dup2(wanted.at(i), static_cast<int>(i)) >= 0, "dup2", "descriptor");
  }
  sys::close_from(static_cast<int>(wanted.size()));
}

bool tell(int socket, std::string_view text) {
  return ::send(socket, text.data(), std::min(text.size(), kMaxMessage), MSG_NOSIGNAL) >= 0;
}

[[noreturn]] void become_helper(const Plan& plan, int socket) {
  try {
    ::setsid();
    Room(plan).enter();
    std::string program = plan.program;
    std::string container = plan.container;
    std::string session = plan.session;
    std::string access = plan.scratch >= 0 ? "rw" : "ro";
    std::array<char*, 5> words{program.data(), container.data(), session.data(), access.data(),
                               nullptr};
    // Not empty: CVE-2025-23266's rule for all that we start.
    std::string variable = "OCI_CNB_HOOKS=1";
    std::array<char*, 2> environment{variable.data(), nullptr};
    arrange_descriptors(plan, socket);
    socket = kHookFd;
    ::execve(program.c_str(), words.data(), environment.data());
    throw SystemError("execve", program, errno);
  } catch (const std::exception& error) {
    static_cast<void>(tell(socket, error.what()));
  }
  ::_exit(1);
}

}  // namespace

std::string find_program() {
  for (const char* path :
       {"/usr/bin/fuse-overlayfs", "/usr/local/bin/fuse-overlayfs", "/bin/fuse-overlayfs"}) {
    if (::access(path, X_OK) == 0) return path;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) {
      throw SystemError("access", path, errno);
    }
  }
  return {};
}

sys::UniqueFd open_device() {
  const int fd = sys::open_at_raw(AT_FDCWD, kDevice, O_RDWR | O_NOFOLLOW, sys::Resolve::kHost);
  if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO) {
    throw Error(Code::kSystem, "no /dev/fuse (modprobe fuse)");
  }
  if (fd < 0) throw SystemError("open", kDevice, -fd);
  sys::UniqueFd device(fd);
  const struct ::stat status = sys::stat_fd(fd, kDevice);
  if (!S_ISCHR(status.st_mode) || status.st_rdev != ::makedev(kDeviceMajor, kDeviceMinor)) {
    throw Error(Code::kSystem, "/dev/fuse is not the device");
  }
  return device;
}

Launch::Launch(sys::MountApi& api, Plan plan) {
  sys::UniqueFd device = open_device();
  plan.mount.device = device.get();
  mount_ = api.fuse(plan.mount);
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0, "socketpair",
          "helper");
  socket_.reset(ends[0]);
  sys::UniqueFd theirs(ends[1]);
  pid_ = ::fork();
  require(pid_ >= 0, "fork", "helper");
  if (pid_ == 0) become_helper(plan, theirs.get());
  // Once the helper ends the mount has nobody, and what waits below is told.
  theirs.reset();
  device.reset();
  struct statx status {};
  if (::statx(mount_.get(), "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_MODE, &status) != 0) {
    fail("statx");
  }
}

void Launch::fail(const char* call) {
  const int error = errno;
  // A helper that is still there ends by that, instead of waiting for our word.
  ::shutdown(socket_.get(), SHUT_WR);
  std::array<char, kMaxMessage> text{};
  const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
  if (size > 0) throw Error(Code::kSystem, std::string(text.data(), static_cast<size_t>(size)));
  throw SystemError(call, "the helper", error);
}

void Launch::keep() {
  if (!tell(socket_.get(), "k")) fail("send");
}

}  // namespace hookcore::fuse
