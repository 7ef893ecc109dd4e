#include "libhookcore/sys/probe.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/namespace.h"
#include "libhookcore/sys/process.h"

namespace hookcore::sys {
namespace {

/// Covered by a tmpfs, in the child's mount namespace only, where layers have to be attached.
constexpr const char* kStage = "/tmp";
constexpr size_t kMaxAnswer = 4096;

void require(bool done, const char* operation) {
  if (!done) throw SystemError(operation, "probe", errno);
}

UniqueFd make_directory(int parent, const char* name) {
  require(::mkdirat(parent, name, 0755) == 0, "mkdirat");
  return open_at(parent, name, O_RDONLY | O_DIRECTORY, Resolve::kStrict);
}

void make_file(int directory, const char* name) {
  static_cast<void>(open_at(directory, name, O_CREAT | O_EXCL | O_WRONLY, Resolve::kStrict, 0644));
}

void try_overlay(MountApi& api, bool user_xattr) {
  const UniqueFd tmpfs = api.tmpfs({});
  const UniqueFd source = make_directory(tmpfs.get(), "source");
  const UniqueFd masks = make_directory(tmpfs.get(), "masks");
  const UniqueFd upper = make_directory(tmpfs.get(), "upper");
  const UniqueFd work = make_directory(tmpfs.get(), "work");
  make_file(source.get(), "masked");
  make_file(source.get(), "visible");
  require(::mknodat(masks.get(), "masked", S_IFCHR, ::makedev(0, 0)) == 0, "mknodat of a whiteout");

  OverlayOptions options;
  options.lowers = {masks.get(), source.get()};
  options.upper = upper.get();
  options.work = work.get();
  options.user_xattr = user_xattr;
  const UniqueFd overlay = api.overlay(options);
  if (stat_at(overlay.get(), "masked")) throw Error(Code::kSystem, "a whiteout hides nothing");
  if (!stat_at(overlay.get(), "visible")) throw Error(Code::kSystem, "a lower file is not there");
  require(::mkdirat(overlay.get(), "masked", 0755) == 0, "mkdirat over a whiteout");
  require(::unlinkat(overlay.get(), "visible", 0) == 0, "unlinkat of a lower file");
}

std::string probe_in_child(bool in_user_namespace) {
  try {
    const Proc proc = Proc::open();
    in_user_namespace ? unshare_as_root(proc) : unshare_mounts();
    const bool user_xattr = !proc.in_initial_user_namespace();
    try {
      try_overlay(*make_new_mount_api(), user_xattr);
    } catch (const MountApiUnavailable&) {
      const UniqueFd stage = open_at(AT_FDCWD, kStage, O_PATH | O_DIRECTORY, Resolve::kHost);
      try_overlay(*make_legacy_mount_api(proc, stage.get(), kStage), user_xattr);
    }
    return {};
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    return error.what();
  }
}

template <typename Result>
void note(std::vector<std::string>& missing, const char* name, Result result) {
  if (result < 0 && errno == ENOSYS) missing.emplace_back(name);
}

}  // namespace

// ENOSYS is answered before any argument is looked at.
std::vector<std::string> missing_calls() {
  std::vector<std::string> missing;
  note(missing, "openat2", ::syscall(SYS_openat2, -1, "", nullptr, 0));
  note(missing, "fsopen", ::fsopen("", 0));
  note(missing, "fsconfig", ::fsconfig(-1, FSCONFIG_SET_FLAG, nullptr, nullptr, 0));
  note(missing, "fsmount", ::fsmount(-1, 0, 0));
  note(missing, "open_tree", ::open_tree(-1, "", 0));
  note(missing, "move_mount", ::move_mount(-1, "", -1, "", 0));
  note(missing, "mount_setattr", ::mount_setattr(-1, "", 0, nullptr, 0));
  return missing;
}

int rename_leaving_whiteout(int dirfd, const std::string& from, const std::string& to) {
  // By number: the C library says EINVAL for ENOSYS.
  const long result =
      ::syscall(SYS_renameat2, dirfd, from.c_str(), dirfd, to.c_str(), RENAME_WHITEOUT);
  return result == 0 ? 0 : -errno;
}

std::optional<std::string> probe_overlay(bool in_user_namespace) {
  int ends[2];
  require(::pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  const UniqueFd answer(ends[0]);
  UniqueFd speaker(ends[1]);
  const pid_t child = ::fork();
  require(child >= 0, "fork");
  if (child == 0) {
    const std::string failure = probe_in_child(in_user_namespace);
    if (!failure.empty()) write_all(speaker.get(), failure.substr(0, kMaxAnswer), "pipe");
    ::_exit(failure.empty() ? 0 : 1);
  }
  speaker.reset();
  std::string failure = read_all(answer.get(), kMaxAnswer, "pipe");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  return failure.empty() ? "the probe was killed" : failure;
}

}  // namespace hookcore::sys
