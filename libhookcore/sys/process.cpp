#include "libhookcore/sys/process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <span>
#include <string_view>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::sys {
namespace {

constexpr size_t kProcFileMax = 64UL << 20;
// include/linux/proc_ns.h: the inode of the first user namespace is fixed ABI.
constexpr ino_t kInitialUserNamespace = 0xEFFFFFFDU;

std::string ranges_text(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const IdRange& range : ranges) {
    text += std::to_string(range.inside) + " " + std::to_string(range.outside) + " " +
            std::to_string(range.count) + "\n";
  }
  return text;
}

void write_proc(const Proc& proc, const std::string& path, const std::string& text) {
  const UniqueFd file(plain_openat(proc.fd(), path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) throw SystemError("open", "/proc/" + path, errno);
  write_all(file.get(), text, "/proc/" + path);
}

// A child that waits to be killed; destroyed with its owner.
class Child {
 public:
  explicit Child(unsigned long flags)
      : pid_(static_cast<pid_t>(::syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0))) {
    if (pid_ < 0) throw SystemError("clone", "user namespace", errno);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (true) ::pause();
    }
  }
  ~Child() {
    if (::kill(pid_, SIGKILL) != 0) return;  // not waited for: it ends with us
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

struct Capabilities {
  std::array<__user_cap_data_struct, 2> data{};

  static Capabilities get() {
    Capabilities capabilities;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    if (::syscall(SYS_capget, &header, capabilities.data.data()) != 0) {
      throw SystemError("capget", "self", errno);
    }
    return capabilities;
  }
  void set() const {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    if (::syscall(SYS_capset, &header, data.data()) != 0) {
      throw SystemError("capset", "self", errno);
    }
  }
};

}  // namespace

NamespaceId namespace_id(int fd) {
  const struct ::stat status = stat_fd(fd, "namespace");
  return {status.st_dev, status.st_ino};
}

bool is_initial(const NamespaceId& user_namespace) {
  return user_namespace.inode == kInitialUserNamespace;
}

Proc Proc::open() {
  UniqueFd fd(plain_openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw SystemError("open", "/proc", errno);
  if (filesystem_type(fd.get()) != PROC_SUPER_MAGIC) {
    throw Error(Code::kSystem, "not a proc file system", "/proc");
  }
  return Proc(std::move(fd));
}

UniqueFd Proc::open_namespace(const std::string& process, const std::string& kind) const {
  const std::string path = process + "/ns/" + kind;
  UniqueFd fd(plain_openat(fd_.get(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw SystemError("open", "/proc/" + path, errno);
  return fd;
}

UniqueFd Proc::namespace_of(pid_t pid, const std::string& kind) const {
  return open_namespace(std::to_string(pid), kind);
}

UniqueFd Proc::root_of(pid_t pid) const {
  const std::string path = std::to_string(pid) + "/root";
  UniqueFd fd(plain_openat(fd_.get(), path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw SystemError("open", "/proc/" + path, errno);
  return fd;
}

// Not by getpid(2): in a createContainer hook that counts in another pid namespace than this
// procfs.
UniqueFd Proc::own_namespace(const std::string& kind) const { return open_namespace("self", kind); }

NamespaceId Proc::look_at_namespace(const std::string& process, const std::string& kind) const {
  const std::string path = process + "/ns/" + kind;
  struct ::stat status {};
  if (::fstatat(fd_.get(), path.c_str(), &status, 0) != 0) {
    throw SystemError("stat", "/proc/" + path, errno);
  }
  return {status.st_dev, status.st_ino};
}

NamespaceId Proc::id_of_namespace(pid_t pid, const std::string& kind) const {
  return look_at_namespace(std::to_string(pid), kind);
}

NamespaceId Proc::own_namespace_id(const std::string& kind) const {
  return look_at_namespace("self", kind);
}

std::string Proc::read(const std::string& path) const {
  const UniqueFd file(plain_openat(fd_.get(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw SystemError("open", "/proc/" + path, errno);
  return read_all(file.get(), kProcFileMax, "/proc/" + path);
}

std::optional<uint64_t> Proc::start_time(pid_t pid) const {
  const std::string path = std::to_string(pid) + "/stat";
  const UniqueFd file(plain_openat(fd_.get(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ESRCH) return std::nullopt;
    throw SystemError("open", "/proc/" + path, errno);
  }
  std::string text;
  try {
    text = read_all(file.get(), kProcFileMax, "/proc/" + path);
  } catch (const SystemError& error) {
    // Any other error says nothing about the process: one that lives is never taken for dead.
    if (error.error_number() != ESRCH) throw;
    return std::nullopt;
  }
  // The command name may hold blanks and parentheses: fields count from the last ')'.
  const size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(end_of_name + 1);
  for (int field = 2; field <= 22; ++field) {
    const size_t blank = rest.find(' ');
    const std::string_view value = rest.substr(0, blank);
    if (field == 3 && (value == "Z" || value == "X")) return std::nullopt;
    if (field == 22) {
      uint64_t ticks = 0;
      const auto result = std::from_chars(value.data(), value.data() + value.size(), ticks);
      return result.ec == std::errc() ? std::optional(ticks) : std::nullopt;
    }
    if (blank == std::string_view::npos) break;
    rest.remove_prefix(blank + 1);
  }
  return std::nullopt;
}

std::string Proc::read_link(const std::string& link) const {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(fd_.get(), link.c_str(), target.data(), target.size());
  if (size < 0) throw SystemError("readlinkat", "/proc/" + link, errno);
  return {target.data(), static_cast<size_t>(size)};
}

std::string Proc::path_of(int descriptor) const {
  return read_link("self/fd/" + std::to_string(descriptor));
}

std::string Proc::path_of_program() const { return read_link("self/exe"); }

pid_t Proc::parent_pid() const {
  static constexpr std::string_view kField = "\nPPid:\t";
  const std::string text = read("self/status");
  const size_t at = text.find(kField);
  pid_t pid = 0;
  if (at != std::string::npos) {
    const char* const begin = text.data() + at + kField.size();
    std::from_chars(begin, text.data() + text.size(), pid);
  }
  if (pid <= 0) throw Error(Code::kSystem, "no parent process in sight", "/proc/self/status");
  return pid;
}

uint64_t Proc::pid_namespace() const {
  // In a createContainer hook this procfs counts as the host does, and getpid(2) as the container.
  std::array<char, 24> self{};
  const ssize_t size = ::readlinkat(fd_.get(), "self", self.data(), self.size() - 1);
  if (size < 0 && errno != ENOENT) throw SystemError("readlinkat", "/proc/self", errno);
  const bool ours = size > 0 && std::to_string(::getpid()) == self.data();
  struct ::stat ns {};
  if (::fstatat(fd_.get(), ours ? "self/ns/pid" : "1/ns/pid", &ns, 0) == 0) return ns.st_ino;
  // Of a process that isn't ours. With any other answer a member that lives in another namespace
  // would be taken for dead.
  if (!ours && (errno == EACCES || errno == EPERM || errno == ENOENT)) return 0;
  throw SystemError("fstatat", "/proc/self/ns/pid", errno);
}

std::string Proc::boot_id() const {
  static constexpr const char* kPath = "sys/kernel/random/boot_id";
  const UniqueFd file(plain_openat(fd_.get(), kPath, O_RDONLY | O_CLOEXEC));
  if (!file) throw SystemError("open", std::string("/proc/") + kPath, errno);
  constexpr size_t kUuidLine = 37;
  std::string text = read_all(file.get(), kUuidLine, std::string("/proc/") + kPath);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::vector<IdRange> parse_id_map(std::string_view text) {
  std::vector<IdRange> map;
  std::array<uint32_t, 3> numbers{};
  size_t count = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at != end) {
    if (*at == ' ' || *at == '\n') {
      ++at;
      continue;
    }
    const auto result = std::from_chars(at, end, numbers.at(count));
    if (result.ec != std::errc()) throw Error(Code::kSystem, "not an id map: " + quote(text));
    at = result.ptr;
    if (++count == numbers.size()) {
      map.push_back({numbers[0], numbers[1], numbers[2]});
      count = 0;
    }
  }
  return map;
}

std::optional<uint32_t> map_out(const std::vector<IdRange>& map, uint32_t inside) {
  for (const IdRange& range : map) {
    if (inside >= range.inside && inside - range.inside < range.count) {
      return range.outside + (inside - range.inside);
    }
  }
  return std::nullopt;
}

std::optional<uint32_t> map_in(const std::vector<IdRange>& map, uint32_t outside) {
  for (const IdRange& range : map) {
    if (outside >= range.outside && outside - range.outside < range.count) {
      return range.inside + (outside - range.outside);
    }
  }
  return std::nullopt;
}

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines of more than 1024 CPUs, where any number will do.
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 8;
  return std::max(1U, static_cast<unsigned>(CPU_COUNT(&set)));
}

void enter_mount_namespace(int fd) {
  if (::setns(fd, CLONE_NEWNS) != 0)
    throw SystemError("setns", "the container's mount namespace", errno);
}

void enter_user_namespace(int fd) {
  if (::setns(fd, CLONE_NEWUSER) != 0)
    throw SystemError("setns", "the container's user namespace", errno);
}

UniqueFd make_id_namespace(const Proc& proc, const std::vector<IdRange>& uids,
                           const std::vector<IdRange>& gids) {
  const Child child(CLONE_NEWUSER);
  const std::string pid = std::to_string(child.pid());
  write_proc(proc, pid + "/uid_map", ranges_text(uids));
  write_proc(proc, pid + "/gid_map", ranges_text(gids));
  return proc.namespace_of(child.pid(), "user");
}

namespace {

// /proc/PID of one process; nothing can be read below it when that has ended.
bool runs(int process_directory) {
  const UniqueFd file(plain_openat(process_directory, "stat", O_RDONLY | O_CLOEXEC));
  std::array<char, 512> text{};
  const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (size < 0 && errno != ENOENT && errno != ESRCH) {
    throw SystemError("open", "a process's stat", errno);
  }
  if (size <= 0) return false;
  const std::string_view line(text.data(), static_cast<size_t>(size));
  const size_t end_of_name = line.rfind(')');
  return end_of_name == std::string_view::npos || line.substr(end_of_name, 3) != ") Z";
}

bool await_by_looking(int process_directory, int milliseconds) {
  constexpr int kPause = 5;  // ms between two looks
  for (; runs(process_directory); milliseconds -= kPause) {
    if (milliseconds <= 0) return false;
    ::poll(nullptr, 0, kPause);
  }
  return true;
}

void kill_by_number(pid_t pid, int process_directory, int milliseconds) {
  if (!runs(process_directory) || ::kill(pid, SIGKILL) != 0) return;
  await_by_looking(process_directory, milliseconds);
}

}  // namespace

// By number: glibc 2.36 declares both for C alone.
RunningProcess::RunningProcess(const Proc& proc, pid_t pid)
    : pid_(pid), fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
  if (fd_) return;
  const char* call = "pidfd_open";
  const std::string number = std::to_string(pid);
  // EPERM: of a seccomp filter that doesn't know it; who may look at a process isn't asked here.
  if (errno == ENOSYS || errno == EPERM) {
    call = "open";
    by_number_ = true;
    fd_ = UniqueFd(plain_openat(proc.fd(), number.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (fd_) return;
  }
  // Nobody has the number, or a thread has it, which is no process: EINVAL, later ENOENT.
  if (errno == ESRCH || errno == EINVAL || errno == ENOENT) return;
  throw SystemError(call, "process " + number, errno);
}

bool RunningProcess::await(int milliseconds) const {
  if (by_number_) return await_by_looking(fd_.get(), milliseconds);
  struct pollfd ended = {fd_.get(), POLLIN, 0};
  return ::poll(&ended, 1, milliseconds) > 0;
}

void RunningProcess::kill(int milliseconds) const {
  if (by_number_) {
    kill_by_number(pid_, fd_.get(), milliseconds);
    return;
  }
  if (::syscall(SYS_pidfd_send_signal, fd_.get(), SIGKILL, nullptr, 0) != 0 &&
      (errno != ENOSYS || ::kill(pid_, SIGKILL) != 0)) {
    return;
  }
  await(milliseconds);
}

namespace {

// Those from first to last; before Linux 5.9 one after the other.
void close_descriptors(unsigned first, unsigned last) {
  if (::syscall(SYS_close_range, first, last, 0U) == 0 || errno != ENOSYS) return;
  const UniqueFd directory(
      plain_openat(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) throw SystemError("open", "/proc/self/fd", errno);
  for (const std::string& name : list_directory(directory.get())) {
    unsigned fd = 0;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd >= first && fd <= last && static_cast<int>(fd) != directory.get()) {
      ::close(static_cast<int>(fd));
    }
  }
}

}  // namespace

bool run_detached(int keep, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child != 0) return child > 0;
  ::setsid();
  const int null = plain_openat(AT_FDCWD, "/dev/null", O_RDWR);
  const auto kept = static_cast<unsigned>(keep);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(null, stream) < 0) ::_exit(1);
  }
  try {
    if (kept > STDERR_FILENO + 1U) close_descriptors(STDERR_FILENO + 1U, kept - 1);
    close_descriptors(kept + 1, ~0U);
    if (::chdir("/") == 0) work();
  } catch (const std::exception&) {
    ::_exit(1);
  }
  ::_exit(0);
}

void close_from(int first) { ::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U); }

void close_on_exec_from(int first) {
  ::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC);
}

void isolate_process() {
  ::clearenv();
  ::umask(077);
  ::prctl(PR_SET_DUMPABLE, 0);
  close_descriptors(STDERR_FILENO + 1U, ~0U);
  if (::chdir("/") != 0) throw SystemError("chdir", "/", errno);
}

bool has_capability(int capability) {
  const Capabilities capabilities = Capabilities::get();
  const auto word = static_cast<size_t>(CAP_TO_INDEX(capability));
  return (capabilities.data.at(word).effective & CAP_TO_MASK(capability)) != 0;
}

void keep_capabilities(std::span<const int> wanted) {
  Capabilities kept;
  for (const int capability : wanted) {
    kept.data.at(static_cast<size_t>(CAP_TO_INDEX(capability))).permitted |=
        CAP_TO_MASK(capability);
  }
  Capabilities capabilities = Capabilities::get();
  for (size_t word = 0; word < capabilities.data.size(); ++word) {
    auto& data = capabilities.data.at(word);
    data.permitted &= kept.data.at(word).permitted;
    data.effective &= data.permitted;
    data.inheritable = 0;
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  capabilities.set();
}

void keep_mount_capabilities() {
  // SYS_ADMIN, SYS_CHROOT, SYS_PTRACE: setns, mounts, /proc/PID/ns. SETUID, SETGID, KILL: the id
  // namespace's child. The others are what the overlay needs of its mounter to copy a file up.
  constexpr std::array kKept{CAP_SYS_ADMIN, CAP_SYS_CHROOT,   CAP_SYS_PTRACE,      CAP_SETUID,
                             CAP_SETGID,    CAP_KILL,         CAP_CHOWN,           CAP_FOWNER,
                             CAP_FSETID,    CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_MKNOD,
                             CAP_SETFCAP};
  keep_capabilities(kKept);
}

FsIdentity::FsIdentity(uid_t uid, gid_t gid) : changed_(uid != ::geteuid() || gid != ::getegid()) {
  if (!changed_) return;
  old_gid_ = static_cast<gid_t>(::setfsgid(gid));
  old_uid_ = static_cast<uid_t>(::setfsuid(uid));
  // That has emptied the effective set of what a file system asks for (capabilities(7)). Engines
  // give images without an entry for "/" one of mode 0555, in which root makes directories by this.
  Capabilities capabilities = Capabilities::get();
  auto& data = capabilities.data.at(CAP_TO_INDEX(CAP_DAC_OVERRIDE));
  data.effective |= data.permitted & CAP_TO_MASK(CAP_DAC_OVERRIDE);
  capabilities.set();
}

FsIdentity::~FsIdentity() {
  if (!changed_) return;
  ::setfsuid(old_uid_);
  ::setfsgid(old_gid_);
}

}  // namespace hookcore::sys
