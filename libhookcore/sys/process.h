#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libhookcore/sys/fd.h"

/// Processes and their namespaces, read through a /proc that is known to be the host's.
namespace hookcore::sys {

/// Namespaces compare by device and inode (namespaces(7)).
struct NamespaceId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const NamespaceId&) const = default;
};
/// Of an open namespace.
NamespaceId namespace_id(int fd);
/// The machine's first user namespace.
bool is_initial(const NamespaceId& user_namespace);

/// The host's procfs, opened and checked (fstatfs) before any namespace is entered. A /proc that is
/// looked up afterwards may be one that a container made (CVE-2019-16884, CVE-2025-52881).
class Proc {
 public:
  /// Throws Error(kSystem) when /proc is not procfs.
  static Proc open();

  int fd() const { return fd_.get(); }
  /// A namespace of pid ("mnt", "user"); throws SystemError.
  UniqueFd namespace_of(pid_t pid, const std::string& kind) const;
  UniqueFd own_namespace(const std::string& kind) const;
  /// What pid has as its root directory, to look up from (O_PATH); throws SystemError.
  UniqueFd root_of(pid_t pid) const;
  /// The namespace of that kind ("mnt", "user") in which pid is, or we are; neither is opened.
  NamespaceId id_of_namespace(pid_t pid, const std::string& kind) const;
  NamespaceId own_namespace_id(const std::string& kind) const;
  /// Whether we are in the first user namespace: only there are trusted.* attributes allowed.
  bool in_initial_user_namespace() const { return is_initial(own_namespace_id("user")); }
  /// Contents of a small file below /proc, for example "self/mountinfo"; throws SystemError.
  std::string read(const std::string& path) const;
  /// Where the file behind a descriptor of ours is, as the kernel writes it. Throws SystemError.
  std::string path_of(int descriptor) const;
  /// The program that this process executes. Throws SystemError.
  std::string path_of_program() const;
  /// Start time of pid in clock ticks since boot (proc_pid_stat(5), field 22): with the pid it
  /// names a process for as long as the machine runs. nullopt when there is no such process, or it
  /// is a zombie.
  std::optional<uint64_t> start_time(pid_t pid) const;
  /// Our parent as this procfs counts; getppid(2) counts in our own pid namespace.
  pid_t parent_pid() const;
  /// Inode of the pid namespace in which this procfs counts; 0 where that can't be told.
  uint64_t pid_namespace() const;
  /// Identifies this boot of the machine.
  std::string boot_id() const;

 private:
  explicit Proc(UniqueFd fd) : fd_(std::move(fd)) {}
  std::string read_link(const std::string& link) const;
  UniqueFd open_namespace(const std::string& process, const std::string& kind) const;
  NamespaceId look_at_namespace(const std::string& process, const std::string& kind) const;
  UniqueFd fd_;
};

/// One line of uid_map or gid_map (user_namespaces(7)).
struct IdRange {
  uint32_t inside;
  uint32_t outside;
  uint32_t count;
};
std::vector<IdRange> parse_id_map(std::string_view text);
/// inside -> outside and back; nullopt for an id that isn't mapped.
std::optional<uint32_t> map_out(const std::vector<IdRange>& map, uint32_t inside);
std::optional<uint32_t> map_in(const std::vector<IdRange>& map, uint32_t outside);

/// CPUs that this process may run on, at least 1. One system call, unlike hardware_concurrency(),
/// which reads files of sysfs.
unsigned usable_cpus();

/// setns(2) into a mount namespace; the root and the working directory become that namespace's.
void enter_mount_namespace(int fd);
/// setns(2) into a user namespace whose owner we are; gives all capabilities in it.
void enter_user_namespace(int fd);

/// A user namespace that exists only as a descriptor, for an idmapped mount (mount_setattr(2)):
/// uid and gid maps in the file system -> shown direction. Needs CAP_SETUID and CAP_SETGID.
UniqueFd make_id_namespace(const Proc& proc, const std::vector<IdRange>& uids,
                           const std::vector<IdRange>& gids);

/// A process as a descriptor (pidfd_open(2), else its directory in procfs): its number may become
/// another's, this doesn't. Converts to false when there is none. Where it can't be told (no
/// descriptor is left) all of it throws SystemError: a process that lives is never taken for ended.
class RunningProcess {
 public:
  RunningProcess(const Proc& proc, pid_t pid);
  explicit operator bool() const { return static_cast<bool>(fd_); }
  /// Waits for its end, at most so many milliseconds. false: it is still there.
  bool await(int milliseconds) const;
  /// SIGKILL; returns when the process has ended, or after so many milliseconds.
  void kill(int milliseconds) const;

 private:
  pid_t pid_;
  UniqueFd fd_;
  bool by_number_ = false;
};

/// Runs work in a process that outlives this one, in a session of its own: its standard streams are
/// /dev/null, of the other descriptors only keep stays open, its directory is /. For a program of
/// one thread. What work throws ends it silently. False where there can be no process.
bool run_detached(int keep, const std::function<void()>& work);

/// Closes this descriptor and all above it.
void close_from(int first);

/// The same, when another program is executed.
void close_on_exec_from(int first);

/// First steps of every hook: no environment, no inherited descriptor, cwd "/", not dumpable, umask
/// 077 (CVE-2025-23266, CVE-2024-21626, CVE-2019-5736).
void isolate_process();

/// Whether a capability (CAP_*) is effective in our own user namespace.
bool has_capability(int capability);
/// Keeps, of the permitted set, only what assembling mounts needs, and nothing inheritable or
/// ambient.
void keep_mount_capabilities();
/// The same for what the caller needs; capabilities that it lacks stay lacking.
void keep_capabilities(std::span<const int> wanted);

/// Creates files as another user while it lives (setfsuid(2)). Of the file system capabilities only
/// CAP_DAC_OVERRIDE stays then. Does nothing for our own ids.
class FsIdentity {
 public:
  FsIdentity(uid_t uid, gid_t gid);
  ~FsIdentity();
  FsIdentity(const FsIdentity&) = delete;
  FsIdentity& operator=(const FsIdentity&) = delete;

 private:
  bool changed_;
  uid_t old_uid_ = 0;
  gid_t old_gid_ = 0;
};

}  // namespace hookcore::sys
