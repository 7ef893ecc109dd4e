#include "libhookcore/overlay/workspace.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/remove.h"

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

[[noreturn]] void unfit(int scratch_fd, const std::string& what) {
  throw Error(Code::kScratch,
              "the scratch directory lies on " +
                  sys::filesystem_name(sys::filesystem_type(scratch_fd)) +
                  ", which can't be an overlay's upper (" + what + ")",
              "",
              "set scratch-dir in config.toml to a directory on ext4, xfs, btrfs or tmpfs, or use "
              "the annotation io.cnb.hooks.scratch=tmpfs");
}

// RENAME_WHITEOUT is how overlayfs renames a file that a lower layer has.
void probe_rename(int directory, int scratch_fd) {
  if (::mknodat(directory, "whiteout", S_IFCHR, ::makedev(0, 0)) != 0) {
    unfit(scratch_fd, "no whiteouts");
  }
  const sys::UniqueFd file =
      sys::open_at(directory, "file", O_CREAT | O_EXCL | O_WRONLY, sys::Resolve::kStrict, 0600);
  if (::renameat2(directory, "file", directory, "whiteout", RENAME_WHITEOUT) != 0) {
    unfit(scratch_fd, "no RENAME_WHITEOUT");
  }
}

}  // namespace

void probe_upper(int scratch_fd, bool user_xattr) {
  if (never_an_upper(sys::filesystem_type(scratch_fd))) unfit(scratch_fd, "overlayfs refuses it");
  const std::string name = "probe." + std::to_string(::getpid());
  if (::mkdirat(scratch_fd, name.c_str(), 0700) != 0 && errno != EEXIST) {
    throw SystemError("mkdirat", "scratch directory", errno, Code::kScratch,
                      "see that it is writable and has room (df, df -i)");
  }
  struct Removal {
    int fd;
    const std::string& name;
    ~Removal() { static_cast<void>(sys::remove_tree(fd, name)); }
  };
  const Removal removal{scratch_fd, name};
  const sys::UniqueFd directory =
      sys::open_at(scratch_fd, name, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
  const char* attribute = user_xattr ? "user.overlay.probe" : "trusted.overlay.probe";
  if (!sys::set_xattr(directory.get(), attribute, "y")) {
    unfit(scratch_fd, std::string("no extended attribute ") + attribute);
  }
  probe_rename(directory.get(), scratch_fd);
}

void prepare_upper(int scratch_fd, int source_fd) {
  if (::mkdirat(scratch_fd, kWorkName, 0700) != 0 && errno != EEXIST) {
    throw SystemError("mkdirat", kWorkName, errno, Code::kScratch);
  }
  if (::mkdirat(scratch_fd, kUpperName, 0700) != 0) {
    if (errno == EEXIST) return;
    throw SystemError("mkdirat", kUpperName, errno, Code::kScratch);
  }
  const sys::UniqueFd upper = sys::open_at(
      scratch_fd, kUpperName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kStrict);
  copy_metadata(source_fd, upper.get(), "");
  copy_times(sys::stat_fd(source_fd, "source"), upper.get(), kUpperName);
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
    throw Error(Code::kSystem, std::string("the kernel refuses the overlay: ") + error.what(),
                layers, "the kernel's log (dmesg) says which layer it won't take");
  }
}

}  // namespace

Workspace assemble(sys::MountApi& api, const WorkspacePlan& plan, int source_fd, int scratch_fd) {
  const sys::UniqueFd mask_mount = api.tmpfs({});
  MaskLayer masks(mask_mount.get(), source_fd, {plan.user_xattr, plan.anchors});
  ignore::find_masks(source_fd, plan.rules, masks);
  masks.finish();

  sys::OverlayOptions options;
  options.lowers = {mask_mount.get(), source_fd};
  options.user_xattr = plan.user_xattr;
  sys::UniqueFd upper;
  sys::UniqueFd work;
  if (scratch_fd >= 0) {
    upper = sys::open_at(scratch_fd, kUpperName, O_PATH | O_DIRECTORY, sys::Resolve::kStrict);
    work = sys::open_at(scratch_fd, kWorkName, O_PATH | O_DIRECTORY, sys::Resolve::kStrict);
    options.upper = upper.get();
    options.work = work.get();
    options.is_volatile = plan.is_volatile;
  }
  return {mount_overlay(api, options, source_fd), masks.masks()};
}

}  // namespace hookcore::overlay
