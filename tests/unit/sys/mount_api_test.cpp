#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <tuple>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/seccomp.h"
#include "tests/unit/support/tree.h"

namespace hookcore::sys {
namespace {

using sandbox::As;
using sandbox::Place;

/// Which kernel the test believes to be on.
enum class Kernel {
  kPresent,
  kNoFsopen,
  kNoFsconfig,
  kNoFsmount,
  kNoOpenTree,
  kNoMoveMount,
  kNoMountSetattr,
  kNoneOfThem,
  kNoDescriptorOptions,  ///< before 6.13
  kNoOverlayContext,     ///< before 6.5
  kLegacyAsked,          ///< the other way by name, every call there
};

void become(Kernel kernel) {
  switch (kernel) {
    case Kernel::kPresent:
    case Kernel::kLegacyAsked:
      return;
    case Kernel::kNoFsopen:
      return seccomp::lack({SYS_fsopen});
    case Kernel::kNoFsconfig:
      return seccomp::lack({SYS_fsconfig});
    case Kernel::kNoFsmount:
      return seccomp::lack({SYS_fsmount});
    case Kernel::kNoOpenTree:
      return seccomp::lack({SYS_open_tree});
    case Kernel::kNoMoveMount:
      return seccomp::lack({SYS_move_mount});
    case Kernel::kNoMountSetattr:
      return seccomp::lack({SYS_mount_setattr});
    case Kernel::kNoneOfThem:
      return seccomp::lack({SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_open_tree,
                            SYS_move_mount, SYS_mount_setattr});
    case Kernel::kNoDescriptorOptions:
      return seccomp::lack_descriptor_options();
    case Kernel::kNoOverlayContext:
      return seccomp::lack_overlay_context();
  }
}

std::string name(Kernel kernel) {
  constexpr std::array kNames{"Present",       "NoFsopen",         "NoFsconfig",     "NoFsmount",
                              "NoOpenTree",    "NoMoveMount",      "NoMountSetattr", "NoneOfThem",
                              "NoDescriptors", "NoOverlayContext", "LegacyAsked"};
  return kNames.at(static_cast<size_t>(kernel));
}

constexpr bool has_new_calls(Kernel kernel) {
  return kernel == Kernel::kPresent || kernel == Kernel::kNoDescriptorOptions ||
         kernel == Kernel::kNoOverlayContext;
}

/// A rootfs and what is needed to mount in it. Work is what the hook does: it is tried with the new
/// interface and, where that isn't there, done again with the old one.
class Bench {
 public:
  explicit Bench(const Place& place) : place_(place), proc_(Proc::open()) {
    tree::make(place.path,
               {"rootfs/target/", "rootfs/target-file", "source/sub/", "source/file=x"});
    const std::string rootfs = path("rootfs");
    if (::mount(rootfs.c_str(), rootfs.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      throw std::runtime_error("bind rootfs");
    }
    rootfs_ = open("rootfs");
  }

  template <typename Work>
  void run(Kernel kernel, Work work) {
    become(kernel);
    std::string used;
    try {
      if (kernel == Kernel::kLegacyAsked) throw MountApiUnavailable("asked for");
      const auto api = make_new_mount_api();
      work(*api);
      used = api->name();
    } catch (const MountApiUnavailable&) {
      const auto api = make_legacy_mount_api(proc_, rootfs_.get(), path("rootfs"));
      work(*api);
      used = api->name();
    }
    used_new_ = used == "fsopen";
    EXPECT_EQ((std::vector<std::string>{"target", "target-file"}), tree::names(path("rootfs")))
        << "the stage is gone";
  }

  bool used_new() const { return used_new_; }
  const Proc& proc() const { return proc_; }
  std::string path(const std::string& below) const { return place_.path + "/" + below; }
  /// What is in the rootfs is found from its descriptor: the old way covers it meanwhile.
  UniqueFd open(const std::string& below) const {
    constexpr std::string_view kRootfs = "rootfs/";
    if (rootfs_ && below.starts_with(kRootfs)) {
      return open_at(rootfs_.get(), below.substr(kRootfs.size()), O_PATH, Resolve::kNoLinks);
    }
    return open_at(place_.fd, below, O_PATH, Resolve::kNoLinks);
  }
  bool user_xattr() const { return place_.as != As::kRoot; }
  As as() const { return place_.as; }

 private:
  const Place& place_;
  Proc proc_;
  UniqueFd rootfs_;
  bool used_new_ = false;
};

class MountApis : public testing::TestWithParam<std::tuple<As, Kernel>> {
 protected:
  template <typename Body>
  void bench(Body body) {
    const auto [as, kernel] = GetParam();
    sandbox::run(as, [&body, k = kernel](const Place& place) {
      Bench one(place);
      body(one, k);
      if (!has_new_calls(k)) {
        EXPECT_FALSE(one.used_new());
      }
    });
  }
};

TEST_P(MountApis, TmpfsHasItsSizeAndIsSeenOnceAttached) {
  bench([](Bench& b, Kernel kernel) {
    b.run(kernel, [&](MountApi& api) {
      const UniqueFd mount = api.tmpfs({uint64_t{1} << 20});
      const UniqueFd root = reopen_directory(mount.get());
      EXPECT_EQ(mode_t{0755}, stat_fd(root.get(), "tmpfs").st_mode & 07777);
      ASSERT_EQ(0, ::mkdirat(mount.get(), "inside", 0755));
      EXPECT_FALSE(tree::exists(b.path("rootfs/target/inside")));
      const UniqueFd target = b.open("rootfs/target");
      api.attach(mount.get(), target.get());
    });
    EXPECT_TRUE(tree::exists(b.path("rootfs/target/inside")));
    struct statvfs status {};
    ASSERT_EQ(0, ::statvfs(b.path("rootfs/target").c_str(), &status));
    EXPECT_EQ(uint64_t{1} << 20, status.f_blocks * status.f_frsize);
  });
}

TEST_P(MountApis, ClonesADirectoryAloneOrWithWhatIsMountedBelow) {
  bench([](Bench& b, Kernel kernel) {
    ASSERT_EQ(0, ::mount("tmpfs", b.path("source/sub").c_str(), "tmpfs", 0, nullptr));
    tree::make(b.path("source/sub"), {"deep"});
    tree::make(b.path("rootfs"), {"target/alone/", "target/whole/"});
    const UniqueFd alone_target = b.open("rootfs/target/alone");
    const UniqueFd whole_target = b.open("rootfs/target/whole");
    b.run(kernel, [&](MountApi& api) {
      const UniqueFd source = b.open("source");
      const UniqueFd alone = api.clone(source.get(), false);
      const UniqueFd whole = api.clone(source.get(), true);
      api.attach(alone.get(), alone_target.get());
      api.attach(whole.get(), whole_target.get());
    });
    EXPECT_EQ("x", tree::read(b.path("rootfs/target/alone/file")));
    EXPECT_FALSE(tree::exists(b.path("rootfs/target/alone/sub/deep")));
    EXPECT_TRUE(tree::exists(b.path("rootfs/target/whole/sub/deep")));
  });
}

TEST_P(MountApis, ClonesAFile) {
  bench([](Bench& b, Kernel kernel) {
    b.run(kernel, [&](MountApi& api) {
      const UniqueFd target = b.open("rootfs/target-file");
      const UniqueFd source = b.open("source/file");
      api.attach(api.clone(source.get(), false).get(), target.get());
    });
    EXPECT_EQ("x", tree::read(b.path("rootfs/target-file")));
  });
}

TEST_P(MountApis, FlagsAreAddedAndNoneIsLost) {
  bench([](Bench& b, Kernel kernel) {
    b.run(kernel, [&](MountApi& api) {
      const UniqueFd source = b.open("source");
      const UniqueFd mount = api.clone(source.get(), false);
      MountFlags first;
      first.no_suid = true;
      first.no_dev = true;
      api.set_flags(mount.get(), first);
      MountFlags second;
      second.read_only = true;
      second.no_exec = true;
      api.set_flags(mount.get(), second);
      const MountFlags now = mount_flags(mount.get());
      EXPECT_TRUE(now.read_only && now.no_exec && now.no_suid && now.no_dev);
      EXPECT_FALSE(mount_flags(source.get()).read_only) << "the original is as it was";
      const UniqueFd target = b.open("rootfs/target");
      api.attach(mount.get(), target.get());
    });
    EXPECT_EQ(-1, ::mkdir(b.path("rootfs/target/new").c_str(), 0755));
    EXPECT_EQ(EROFS, errno);
  });
}

TEST_P(MountApis, NoAccessTimesWhereTheMountIsOurs) {
  bench([](Bench& b, Kernel kernel) {
    b.run(kernel, [&](MountApi& api) {
      const UniqueFd mount = api.tmpfs({});
      MountFlags flags;
      flags.no_atime = true;
      api.set_flags(mount.get(), flags);
      EXPECT_TRUE(mount_flags(mount.get()).no_atime);
    });
  });
}

TEST_P(MountApis, OverlayOfSourceMasksAndUpper) {
  bench([](Bench& b, Kernel kernel) {
    tree::make(b.path(""), {"source/hidden", "source/sub/kept", "scratch/upper/", "scratch/work/"});
    const auto before = tree::snapshot(b.path("source"));
    const UniqueFd target = b.open("rootfs/target");
    b.run(kernel, [&](MountApi& api) {
      const UniqueFd scratch_source = b.open("scratch");
      const UniqueFd scratch = api.clone(scratch_source.get(), false);
      const UniqueFd source_place = b.open("source");
      const UniqueFd source = api.clone(source_place.get(), false);
      const UniqueFd mask = api.tmpfs({});
      ASSERT_EQ(0, ::mknodat(mask.get(), "hidden", S_IFCHR, ::makedev(0, 0)));
      const UniqueFd upper = open_at(scratch.get(), "upper", O_PATH, Resolve::kStrict);
      const UniqueFd work = open_at(scratch.get(), "work", O_PATH, Resolve::kStrict);
      OverlayOptions options;
      options.lowers = {mask.get(), source.get()};
      options.upper = upper.get();
      options.work = work.get();
      options.user_xattr = b.user_xattr();
      options.is_volatile = true;
      const UniqueFd overlay = api.overlay(options);
      EXPECT_EQ("overlay", filesystem_name(filesystem_type(overlay.get())));
      api.attach(overlay.get(), target.get());
    });
    const std::string shown = b.path("rootfs/target");
    EXPECT_EQ((std::vector<std::string>{"file", "sub"}), tree::names(shown));
    EXPECT_FALSE(tree::exists(shown + "/hidden"));
    tree::make(shown, {"hidden=mine", "file=changed", "sub/new"});
    ASSERT_EQ(0, ::rename((shown + "/sub/kept").c_str(), (shown + "/moved").c_str()));
    EXPECT_EQ("mine", tree::read(shown + "/hidden"));
    EXPECT_EQ(before, tree::snapshot(b.path("source")));
    EXPECT_EQ("changed", tree::read(b.path("scratch/upper/file")));
  });
}

TEST_P(MountApis, OverlayWithoutUpperIsReadOnly) {
  bench([](Bench& b, Kernel kernel) {
    const UniqueFd target = b.open("rootfs/target");
    b.run(kernel, [&](MountApi& api) {
      const UniqueFd place = b.open("source");
      const UniqueFd source = api.clone(place.get(), false);
      const UniqueFd mask = api.tmpfs({});
      OverlayOptions options;
      options.lowers = {mask.get(), source.get()};
      options.user_xattr = b.user_xattr();
      api.attach(api.overlay(options).get(), target.get());
    });
    EXPECT_EQ("x", tree::read(b.path("rootfs/target/file")));
    EXPECT_EQ(-1, ::mkdir(b.path("rootfs/target/new").c_str(), 0755));
    EXPECT_EQ(EROFS, errno);
  });
}

TEST_P(MountApis, AnOverlaysRefusalSaysSomething) {
  bench([](Bench& b, Kernel kernel) {
    tree::make(b.path(""), {"scratch/upper/", "scratch/work/file"});
    b.run(kernel, [&](MountApi& api) {
      const UniqueFd place = b.open("source");
      const UniqueFd source = api.clone(place.get(), false);
      const UniqueFd mask = api.tmpfs({});
      OverlayOptions options;
      options.lowers = {mask.get(), source.get()};
      const UniqueFd upper = api.clone(b.open("scratch/upper").get(), false);
      options.upper = upper.get();
      options.work = source.get();  // on another mount than upper
      options.user_xattr = b.user_xattr();
      try {
        const UniqueFd overlay = api.overlay(options);
        ADD_FAILURE() << "accepted";
      } catch (const SystemError& error) {
        EXPECT_EQ(EINVAL, error.error_number());
      }
    });
  });
}

TEST_P(MountApis, DetachUncoversWhatWasBelow) {
  bench([](Bench& b, Kernel kernel) {
    tree::make(b.path("rootfs/target"), {"below"});
    b.run(kernel, [&](MountApi& api) {
      const UniqueFd target = b.open("rootfs/target");
      const UniqueFd mount = api.tmpfs({});
      api.attach(mount.get(), target.get());
      EXPECT_TRUE(detach_mount(mount.get()));
      EXPECT_FALSE(detach_mount(target.get())) << "no root of a mount";
    });
    EXPECT_TRUE(tree::exists(b.path("rootfs/target/below")));
  });
}

TEST_P(MountApis, IdMapShowsOtherOwners) {
  bench([](Bench& b, Kernel kernel) {
    if (b.as() != As::kRoot) sandbox::skip("id maps of host file systems are root's");
    if (kernel == Kernel::kNoMountSetattr || kernel == Kernel::kNoneOfThem ||
        kernel == Kernel::kNoOpenTree || kernel == Kernel::kNoMoveMount) {
      sandbox::skip("id maps need this call");
    }
    const UniqueFd target = b.open("rootfs/target");
    ASSERT_EQ(0, ::chown(b.path("source/file").c_str(), 4711, 4712));
    tree::make(b.path(""), {"scratch/upper/", "scratch/work/"});
    const UniqueFd other = make_id_namespace(b.proc(), {{0, 0, 1}}, {{0, 0, 1}});
    const auto present = make_new_mount_api();
    UniqueFd clone = present->clone(b.open("source").get(), false);
    if (!present->idmap(clone, other.get())) sandbox::skip("this file system takes no id map");
    clone.reset();
    bool mapped = false;
    b.run(kernel, [&](MountApi& api) {
      const std::vector<IdRange> uids{{0, 0, 1}, {4711, 1000, 1}};
      const std::vector<IdRange> gids{{0, 0, 1}, {4712, 1001, 1}};
      const UniqueFd map = make_id_namespace(b.proc(), uids, gids);
      UniqueFd source = api.clone(b.open("source").get(), false);
      MountFlags flags;
      flags.no_exec = true;
      api.set_flags(source.get(), flags);
      mapped = api.idmap(source, map.get());
      if (!mapped) return;
      EXPECT_TRUE(mount_flags(source.get()).no_exec) << "flags stay";
      EXPECT_EQ(1000U, stat_at(source.get(), "file")->st_uid);
      EXPECT_EQ(1001U, stat_at(source.get(), "file")->st_gid);
      const UniqueFd scratch = api.clone(b.open("scratch").get(), false);
      const UniqueFd upper = open_at(scratch.get(), "upper", O_PATH, Resolve::kStrict);
      const UniqueFd work = open_at(scratch.get(), "work", O_PATH, Resolve::kStrict);
      OverlayOptions options;
      options.lowers = {source.get()};
      options.upper = upper.get();
      options.work = work.get();
      api.attach(api.overlay(options).get(), target.get());
    });
    ASSERT_TRUE(mapped);
    struct stat status {};
    ASSERT_EQ(0, ::stat(b.path("rootfs/target/file").c_str(), &status));
    EXPECT_EQ(1000U, status.st_uid);
  });
}

std::string param_name(const testing::TestParamInfo<std::tuple<As, Kernel>>& info) {
  return sandbox::name(std::get<0>(info.param)) + name(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, MountApis,
    testing::Combine(testing::Values(As::kRoot, As::kUser),
                     testing::Values(Kernel::kPresent, Kernel::kNoFsopen, Kernel::kNoFsconfig,
                                     Kernel::kNoFsmount, Kernel::kNoOpenTree, Kernel::kNoMoveMount,
                                     Kernel::kNoMountSetattr, Kernel::kNoneOfThem,
                                     Kernel::kNoDescriptorOptions, Kernel::kNoOverlayContext,
                                     Kernel::kLegacyAsked)),
    param_name);

}  // namespace
}  // namespace hookcore::sys
