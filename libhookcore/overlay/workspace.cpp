#include "libhookcore/overlay/workspace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount_table.h"
#include "libhookcore/sys/probe.h"
#include "libhookcore/sys/temporary_tree.h"

namespace hookcore::overlay {
namespace {

// Accepted as upper by some kernels, or refused with a bare EINVAL: named here so that the message
// can say why (fs/overlayfs: remote, d_revalidate and stacked file systems make no upper).
bool never_an_upper(int64_t type) {
  constexpr std::array<int64_t, 6> kUnfit{
      0x794C7630,  // overlay
      0x65735546,  // fuse, virtiofs
      0x6969,      // nfs
      0x01021997,  // 9p
      0x4D44,      // vfat
      0x73717368,  // squashfs
  };
  for (const int64_t unfit : kUnfit) {
    if (type == unfit) return true;
  }
  return false;
}

/// The directory that is tried, for a refusal.
struct Scratch {
  const sys::Proc& proc;
  int fd;

  // call: of which errno tells.
  [[noreturn]] void refuse(std::string what, const char* call = nullptr) const {
    const int error = call == nullptr ? EOPNOTSUPP : errno;
    if (call != nullptr) what += std::string(": ") + call + ": " + std::strerror(error);
    const std::string text = "the scratch directory lies on " + sys::filesystem_of(proc, fd) +
                             ", which can't be an overlay's upper (" + what + ")";
    if (sys::is_about_ability(error)) throw OverlayRefused(Code::kScratch, text, "", kFitScratch);
    throw Error(Code::kScratch, text, "", kFitScratch);
  }
};

// RENAME_WHITEOUT is how overlayfs renames a file that a lower layer has.
void probe_rename(int directory, const Scratch& scratch) {
  if (::mknodat(directory, "whiteout", S_IFCHR, ::makedev(0, 0)) != 0) {
    scratch.refuse("no whiteouts", "mknodat");
  }
  const sys::UniqueFd file =
      sys::open_at(directory, "file", O_CREAT | O_EXCL | O_WRONLY, sys::Resolve::kStrict, 0600);
  // Without the call, which overlayfs itself doesn't need, only the mount can tell.
  const int result = sys::rename_leaving_whiteout(directory, "file", "whiteout");
  if (result != 0 && result != -ENOSYS) {
    errno = -result;
    scratch.refuse("no RENAME_WHITEOUT", "renameat2");
  }
}

}  // namespace

void probe_upper(const sys::Proc& proc, int scratch_fd, bool user_xattr) {
  const Scratch scratch{proc, scratch_fd};
  if (never_an_upper(sys::filesystem_type(scratch_fd))) scratch.refuse("overlayfs refuses it");
  const std::string name = "probe." + std::to_string(::getpid());
  if (::mkdirat(scratch_fd, name.c_str(), 0700) != 0 && errno != EEXIST) {
    throw SystemError("mkdirat", "scratch directory", errno, Code::kScratch,
                      "see that it is writable and has room (df, df -i)");
  }
  const sys::TemporaryTree removed(scratch_fd, name);
  const sys::UniqueFd directory =
      sys::open_at(scratch_fd, name, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
  const char* attribute = user_xattr ? "user.overlay.probe" : "trusted.overlay.probe";
  if (!sys::set_xattr(directory.get(), attribute, "y")) {
    scratch.refuse(std::string("no extended attribute ") + attribute, "fsetxattr");
  }
  probe_rename(directory.get(), scratch);
}

sys::UniqueFd clone_source(sys::MountApi& api, int source_fd) {
  sys::UniqueFd source;
  try {
    source = api.clone(source_fd, false);
  } catch (const SystemError& error) {
    if (error.error_number() != EINVAL) throw;
    // mount_namespaces(7): mounts that come from a more privileged namespace are one, locked.
    throw Error(Code::kSource,
                "a file system is mounted inside the source, and a user namespace may not look "
                "behind it",
                "", "unmount it, or let root run this");
  }
  // Reading the source should not change it either. In a user namespace the access-time flags of
  // the host's mounts are locked.
  sys::MountFlags flags;
  flags.no_atime = true;
  try {
    api.set_flags(source.get(), flags);
  } catch (const SystemError& error) {
    if (error.error_number() != EPERM) throw;
  }
  return source;
}

namespace {

// One directory of a way upwards; mounts of the same directory are told apart.
struct Step {
  dev_t device;
  ino_t inode;
  uint64_t mount;
  bool operator==(const Step&) const = default;
};

Step step_at(const sys::Proc& proc, int fd, const std::string& path) {
  struct statx status {};
  if (::statx(fd, path.c_str(), AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &status) != 0) {
    throw SystemError("statx", "scratch directory", errno, Code::kScratch);
  }
  const dev_t device = ::makedev(status.stx_dev_major, status.stx_dev_minor);
  if ((status.stx_mask & STATX_MNT_ID) != 0) return {device, status.stx_ino, status.stx_mnt_id};
  const sys::UniqueFd place(
      sys::plain_openat(fd, path.empty() ? "." : path.c_str(), O_PATH | O_CLOEXEC));
  if (!place) throw SystemError("openat", "scratch directory", errno, Code::kScratch);
  return {device, status.stx_ino, sys::mount_id(proc, place.get())};
}

}  // namespace

void refuse_scratch_inside(const sys::Proc& proc, int source_fd, int scratch_fd) {
  const Step source = step_at(proc, source_fd, "");
  Step here = step_at(proc, scratch_fd, "");
  for (std::string up = "..";; up += "/..") {
    if (here.device == source.device && here.inode == source.inode) {
      throw Error(
          Code::kScratch, "the scratch directory lies inside the source", "",
          "set scratch-dir in config.toml to a directory elsewhere, or use tmpfs as scratch");
    }
    const Step above = step_at(proc, scratch_fd, up);
    if (above == here) return;  // "/" is its own parent
    here = above;
  }
}

namespace {

// Under another name until it is complete: a hook may be killed here, and the container started
// again. Most sessions begin with it (session::Store::keep_spare).
sys::UniqueFd open_unfinished_upper(int scratch_fd) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  if (auto there =
          sys::try_open_at(scratch_fd, kUnfinishedUpperName, kFlags, sys::Resolve::kStrict)) {
    return std::move(*there);
  }
  if (::mkdirat(scratch_fd, kUnfinishedUpperName, 0700) != 0 && errno != EEXIST) {
    throw SystemError("mkdirat", kUpperName, errno, Code::kScratch);
  }
  return sys::open_at(scratch_fd, kUnfinishedUpperName, kFlags, sys::Resolve::kStrict);
}

}  // namespace

void prepare_upper(int scratch_fd, int source_fd) {
  if (::mkdirat(scratch_fd, kWorkName, 0700) != 0 && errno != EEXIST) {
    throw SystemError("mkdirat", kWorkName, errno, Code::kScratch);
  }
  if (sys::stat_at(scratch_fd, kUpperName)) return;
  const sys::UniqueFd upper = open_unfinished_upper(scratch_fd);
  const struct ::stat source = copy_metadata(source_fd, upper.get(), "");
  copy_times(source, upper.get(), kUpperName);
  if (::renameat(scratch_fd, kUnfinishedUpperName, scratch_fd, kUpperName) != 0) {
    throw SystemError("renameat", kUpperName, errno, Code::kScratch);
  }
}

namespace {

// The kernel says EINVAL, ELOOP or ENOTSUPP and leaves the reason to the log of the machine: the
// two file systems are nearly always what decides.
sys::UniqueFd mount_overlay(sys::MountApi& api, const sys::OverlayOptions& options, int source_fd) {
  try {
    return api.overlay(options);
  } catch (const SystemError& error) {
    std::string layers = "source on " + sys::filesystem_name(sys::filesystem_type(source_fd));
    if (options.upper >= 0) {
      layers += ", scratch on " + sys::filesystem_name(sys::filesystem_type(options.upper));
    }
    const std::string text = std::string("the kernel refuses the overlay: ") + error.what();
    const std::string remedy = "the kernel's log (dmesg) says which layer it won't take";
    if (!sys::is_about_ability(error.error_number())) {
      throw Error(Code::kSystem, text, layers, remedy);
    }
    throw OverlayRefused(Code::kSystem, text, layers, remedy);
  }
}

// Not the tmpfs itself: that may have to hold other things.
sys::UniqueFd make_mask_directory(int tmpfs_fd) {
  if (::mkdirat(tmpfs_fd, kMaskName, 0700) != 0) throw SystemError("mkdirat", kMaskName, errno);
  return sys::open_at(tmpfs_fd, kMaskName, O_PATH | O_DIRECTORY, sys::Resolve::kStrict);
}

}  // namespace

Workspace make_masks(sys::MountApi& api, const WorkspacePlan& plan, int source_fd) {
  Workspace workspace;
  workspace.tmpfs = api.tmpfs({});
  workspace.mask = make_mask_directory(workspace.tmpfs.get());
  MaskLayer masks(workspace.mask.get(), source_fd, {plan.user_xattr, plan.anchors});
  ignore::find_masks(source_fd, plan.rules, masks);
  masks.finish();
  workspace.masks = masks.masks();
  return workspace;
}

void mount_layers(sys::MountApi& api, const WorkspacePlan& plan, int source_fd, int scratch_fd,
                  Workspace& workspace) {
  sys::OverlayOptions options;
  options.lowers = {workspace.mask.get(), source_fd};
  options.user_xattr = plan.user_xattr;
  options.source = plan.mount_source;
  sys::UniqueFd upper;
  sys::UniqueFd work;
  if (scratch_fd >= 0) {
    upper = sys::open_at(scratch_fd, kUpperName, O_PATH | O_DIRECTORY, sys::Resolve::kStrict);
    work = sys::open_at(scratch_fd, kWorkName, O_PATH | O_DIRECTORY, sys::Resolve::kStrict);
    options.upper = upper.get();
    options.work = work.get();
    options.is_volatile = true;  // an upper need not survive a power cut
  }
  workspace.mount = mount_overlay(api, options, source_fd);
}

Workspace assemble(sys::MountApi& api, const WorkspacePlan& plan, int source_fd, int scratch_fd) {
  Workspace workspace = make_masks(api, plan, source_fd);
  mount_layers(api, plan, source_fd, scratch_fd, workspace);
  return workspace;
}

}  // namespace hookcore::overlay
