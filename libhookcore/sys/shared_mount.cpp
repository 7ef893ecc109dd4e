#include "libhookcore/sys/shared_mount.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <set>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/mountinfo.h"

namespace hookcore::sys {
namespace {

/// A line of mountinfo, as far as used.
struct Found {
  uint64_t id = 0;
  std::string path;  ///< from the reader's root
};

// Only the whole of it: a part of the mount, bound elsewhere, has another root.
std::optional<Found> find(std::string_view mountinfo, const MountTag& tag) {
  const std::string wanted = " - " + tag.type + " " + tag.source + " ";
  for (size_t at = mountinfo.find(wanted); at != std::string_view::npos;
       at = mountinfo.find(wanted, at + 1)) {
    const size_t newline = mountinfo.rfind('\n', at);
    const size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    std::string_view line = mountinfo.substr(begin, at - begin);
    Found found;
    const std::string_view id = next_field(line);
    std::from_chars(id.data(), id.data() + id.size(), found.id);
    next_field(line);  // parent
    next_field(line);  // device
    if (next_field(line) != "/") continue;
    found.path = unescape_field(next_field(line));
    return found;
  }
  return std::nullopt;
}

// A process that ends (EINVAL once it has given its namespaces back), or somebody else's, whose
// mounts are none of ours.
bool tells_nothing(int error) {
  constexpr std::array<int, 5> kAnswers{ENOENT, ESRCH, EINVAL, EACCES, EPERM};
  return std::find(kAnswers.begin(), kAnswers.end(), error) != kAnswers.end();
}

// Empty for such a process. Any other error throws: two overlays over one upper would destroy each
// other's work, so that a mount that can't be looked for isn't taken for absent.
std::string mounts_of(const Proc& proc, pid_t pid) {
  try {
    return proc.read(std::to_string(pid) + "/mountinfo");
  } catch (const SystemError& error) {
    if (!tells_nothing(error.error_number())) throw;
    return {};
  }
}

[[noreturn]] void closed(pid_t pid, const std::string& why) {
  throw Error(Code::kSession, "the session's workspace can't be reached: " + why,
              "process " + std::to_string(pid) + " that has it",
              "start this container when the session's other containers have ended, or as they "
              "were started");
}

// Returns inside of pid's namespaces, or throws.
void enter(const Proc& proc, pid_t pid) {
  try {
    const UniqueFd mounts = proc.namespace_of(pid, "mnt");
    const UniqueFd user = proc.namespace_of(pid, "user");
    if (!has_capability(CAP_SYS_ADMIN) &&
        namespace_id(user.get()) != proc.own_namespace_id("user")) {
      enter_user_namespace(user.get());
      ::prctl(PR_SET_DUMPABLE, 0);  // new credentials made us dumpable again
    }
    enter_mount_namespace(mounts.get());
  } catch (const SystemError& error) {
    closed(pid, error.what());
  }
}

// Empty where it can't be opened: root and mountinfo are asked for one after the other, and the
// container names its own directories, so that what is opened is judged by its mount.
UniqueFd open_found(const Proc& proc, const UniqueFd& root, std::string_view mountinfo,
                    const MountTag& tag) {
  const auto found = find(mountinfo, tag);
  if (!found) return {};
  const std::string below = found->path == "/" ? "." : found->path.substr(1);
  auto opened = try_open_at(root.get(), below, O_PATH | O_DIRECTORY, Resolve::kNoLinks);
  if (!opened || mount_id(proc, opened->get()) != found->id) return {};
  return std::move(*opened);
}

// A runtime changes the root while the container starts, and the old one covers the new one for a
// moment: setns(2) then leads into the old one, whereas the process has the new one as its root
// (pivot_root(2)). A runtime that moves the mount and calls chroot(2) does it the other way round.
UniqueFd open_mount(const Proc& proc, pid_t pid, const MountTag& tag) {
  constexpr int kLooks = 3;  // a root that changes between two steps of a look is another's later
  for (int look = 0; look < kLooks; ++look) {
    UniqueFd mount =
        open_found(proc, proc.root_of(pid), proc.read(std::to_string(pid) + "/mountinfo"), tag);
    if (mount) return mount;
    mount = open_found(proc, open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, Resolve::kHost),
                       proc.read("self/mountinfo"), tag);
    if (mount) return mount;
  }
  closed(pid, "it is not mounted there any more, or something covers it");
}

UniqueFd clone(int fd, bool writable) {
  UniqueFd tree(::open_tree(fd, "",
                            static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC) |
                                static_cast<unsigned>(AT_EMPTY_PATH)));
  if (!tree) throw SystemError("open_tree", "the session's mount", errno);
  struct mount_attr attributes {};
  attributes.propagation = MS_PRIVATE;
  if (writable) attributes.attr_clr = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    throw SystemError("mount_setattr", "the session's mount", errno);
  }
  return tree;
}

struct Letter {
  std::array<char, 1024> text{};
  alignas(struct cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  struct iovec part {};
  struct msghdr message {};

  Letter() {
    part = {text.data(), text.size()};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
};

// text: what went wrong. Else fd goes over.
void answer(int socket, std::string_view text, int fd) {
  Letter letter;
  const size_t size = std::min(text.size(), letter.text.size() - 1);
  std::copy_n(text.data(), size, letter.text.data());
  letter.part.iov_len = size + 1;
  if (fd < 0) {
    letter.message.msg_controllen = 0;
  } else {
    struct cmsghdr* const header = CMSG_FIRSTHDR(&letter.message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  static_cast<void>(::sendmsg(socket, &letter.message, MSG_NOSIGNAL));
}

UniqueFd receive(int socket, pid_t pid) {
  Letter letter;
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket, &letter.message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) throw SystemError("recvmsg", "session", errno);
  if (size == 0) closed(pid, "the process that fetches it ended");
  const struct cmsghdr* const header = CMSG_FIRSTHDR(&letter.message);
  if (header == nullptr) closed(pid, letter.text.data());
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return UniqueFd(fd);
}

// Not in this process: there is no way back from a user namespace.
void fetch(const Proc& proc, pid_t pid, const MountTag& tag, bool writable, int socket) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    enter(proc, pid);
    answer(socket, "", clone(open_mount(proc, pid, tag).get(), writable).get());
  } catch (const SystemError& error) {
    answer(socket, error.what(), -1);
  } catch (const Error& error) {
    answer(socket, error.what(), -1);
  }
}

}  // namespace

std::string make_mount_source() {
  uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    const UniqueFd device(plain_openat(AT_FDCWD, "/dev/urandom", O_RDONLY | O_CLOEXEC));
    if (!device || ::read(device.get(), &number, sizeof number) != sizeof number) {
      throw SystemError("getrandom", "mount source", errno);
    }
  }
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "cnb-%016llx", static_cast<unsigned long long>(number));
  return text.data();
}

bool has_mount(const Proc& proc, pid_t pid, const MountTag& tag) {
  return find(mounts_of(proc, pid), tag).has_value();
}

std::optional<pid_t> find_mount_holder(const Proc& proc, const MountTag& tag) {
  std::set<ino_t> seen;
  for (const std::string& name : list_directory(proc.fd())) {
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    // Where the namespace is hidden from us (another user's, an undumpable process) its mounts are
    // not.
    struct ::stat ns {};
    if (::fstatat(proc.fd(), (name + "/ns/mnt").c_str(), &ns, 0) == 0 &&
        !seen.insert(ns.st_ino).second) {
      continue;
    }
    if (has_mount(proc, pid, tag)) return pid;
  }
  return std::nullopt;
}

UniqueFd clone_mount_of(const Proc& proc, pid_t pid, const MountTag& tag, bool writable) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw SystemError("socketpair", "session", errno);
  }
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) throw SystemError("fork", "session", errno);
  if (child == 0) {
    fetch(proc, pid, tag, writable, theirs.get());
    ::_exit(0);
  }
  theirs.reset();
  struct Reaper {
    pid_t child;
    ~Reaper() {
      while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  };
  const Reaper reaper{child};
  return receive(ours.get(), pid);
}

}  // namespace hookcore::sys
