#include "libhookcore/sys/mount_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

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

TEST(ParseMountinfo, ReadsTheManPagesExample) {
  const auto mounts = parse_mountinfo(
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
      "37 36 0:5 / /a\\040b\\011c\\012d\\134e rw shared:7 master:1 propagate_from:2 - tmpfs none "
      "rw\n"
      "38 36 0:6 / /plain rw - proc proc rw\n");
  ASSERT_EQ(3U, mounts.size());
  EXPECT_EQ(36U, mounts[0].id);
  EXPECT_EQ(35U, mounts[0].parent);
  EXPECT_EQ("/mnt2", mounts[0].mount_point);
  EXPECT_FALSE(mounts[0].shared);
  EXPECT_EQ("/a b\tc\nd\\e", mounts[1].mount_point);
  EXPECT_TRUE(mounts[1].shared);
  EXPECT_EQ("ext3", mounts[0].type);
  EXPECT_EQ("tmpfs", mounts[1].type);
  EXPECT_EQ("proc", mounts[2].type);
}

// 9p passes on the type of the host's file system: mountinfo is believed, not statfs(2).
TEST(FilesystemOf, IsWhatMountinfoSays) {
  sandbox::run(As::kUser, [](const Place& place) {
    const Proc proc = Proc::open();
    EXPECT_EQ("proc", filesystem_of(proc, proc.fd()));
    tree::make(place.path, {"memory/"});
    ASSERT_EQ(0, ::mount("x", (place.path + "/memory").c_str(), "tmpfs", 0, nullptr));
    const UniqueFd memory = open_at(place.fd, "memory", O_PATH, Resolve::kNoLinks);
    EXPECT_EQ("tmpfs", filesystem_of(proc, memory.get()));
    // Of no mount of ours any more, statfs(2) is asked.
    ASSERT_EQ(0, ::umount2((place.path + "/memory").c_str(), MNT_DETACH));
    EXPECT_EQ("tmpfs", filesystem_of(proc, memory.get()));
  });
}

TEST(ParseMountinfo, SurvivesWhatNoKernelWrites) {
  EXPECT_TRUE(parse_mountinfo("").empty());
  EXPECT_TRUE(parse_mountinfo("\n\n").empty());
  EXPECT_EQ(1U, parse_mountinfo("1 2 3").size());
  EXPECT_EQ(1U, parse_mountinfo("garbage").size());
  EXPECT_EQ("/a\\04", parse_mountinfo("1 2 0:1 / /a\\04 rw - x y z").at(0).mount_point);
  EXPECT_EQ("/a\\9", parse_mountinfo("1 2 0:1 / /a\\9 rw - x y z").at(0).mount_point);
}

/// Whom the table asks.
enum class Source {
  kKernel,     ///< statmount(2) and listmount(2), where this kernel has them
  kMountinfo,  ///< /proc/self/mountinfo, as before Linux 6.8
};

class MountTables : public testing::TestWithParam<std::tuple<As, Source>> {
 protected:
  /// body in a process of its own, over an empty directory.
  static void run(const std::function<void(const Place&)>& body) {
    const auto [as, source] = GetParam();
    if (as == As::kRoot && ::geteuid() != 0) GTEST_SKIP() << "needs root";
    sandbox::run(as, [&, source = source](const Place& place) {
      if (source == Source::kMountinfo) seccomp::lack({kStatmount, kListmount});
      body(place);
    });
  }

  static void mount_tmpfs(const std::string& path, unsigned long flags = 0) {
    ASSERT_EQ(0, ::mount("tmpfs", path.c_str(), "tmpfs", flags, nullptr)) << path;
  }

 private:
  static constexpr int kStatmount = 457;
  static constexpr int kListmount = 458;
};

TEST_P(MountTables, KnowAMountAndWhereItStands) {
  run([](const Place& place) {
    const std::string name = "line\nbreak \\ blank";
    tree::make(place.path, {name + "/"});
    mount_tmpfs(place.path + "/" + name, MS_NOSUID | MS_RDONLY);
    const UniqueFd fd = open_at(place.fd, name, O_PATH, Resolve::kNoLinks);
    EXPECT_TRUE(is_mount_root(Proc::open(), fd.get()));
    EXPECT_FALSE(is_mount_root(Proc::open(), place.fd));
    const MountFlags flags = mount_flags(fd.get());
    EXPECT_TRUE(flags.no_suid && flags.read_only);
    EXPECT_FALSE(flags.no_exec);

    const Proc proc = Proc::open();
    MountTable mounts(proc);
    const MountInfo mount = mounts.of(fd.get());
    EXPECT_EQ(place.path + "/" + name, mount.mount_point);
    EXPECT_EQ(mounts.of(place.fd).id, mount.parent);
    EXPECT_FALSE(mount.shared);
    ASSERT_TRUE(mounts.find(mount.id));
    EXPECT_EQ(mount.mount_point, mounts.find(mount.id)->mount_point);
    EXPECT_FALSE(mounts.find(mount.id + 1'000'000)) << "no mount has this id yet";
  });
}

TEST_P(MountTables, TellSharedMounts) {
  run([](const Place& place) {
    tree::make(place.path, {"shared/"});
    mount_tmpfs(place.path + "/shared");
    ASSERT_EQ(0, ::mount("", (place.path + "/shared").c_str(), nullptr, MS_SHARED, nullptr));
    const UniqueFd fd = open_at(place.fd, "shared", O_PATH, Resolve::kNoLinks);
    const Proc proc = Proc::open();
    EXPECT_TRUE(MountTable(proc).of(fd.get()).shared);
  });
}

TEST_P(MountTables, ChildrenAreThoseOnTheMountItself) {
  run([](const Place& place) {
    constexpr int kChildren = 300;  // more than the kernel tells at once
    tree::make(place.path, {"top/"});
    const std::string top = place.path + "/top";
    mount_tmpfs(top);
    std::vector<std::string> expected;
    for (int i = 0; i < kChildren; ++i) {
      expected.push_back(top + "/" + std::to_string(i));
      ASSERT_EQ(0, ::mkdir(expected.back().c_str(), 0755));
      mount_tmpfs(expected.back());
    }
    ASSERT_EQ(0, ::mkdir((top + "/0/deeper").c_str(), 0755));
    mount_tmpfs(top + "/0/deeper");

    const UniqueFd fd = open_at(place.fd, "top", O_PATH, Resolve::kNoLinks);
    const Proc proc = Proc::open();
    MountTable mounts(proc);
    std::vector<std::string> found;
    for (const MountInfo& mount : mounts.children(mounts.of(fd.get()).id)) {
      found.push_back(mount.mount_point);
    }
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(expected, found);
  });
}

TEST_P(MountTables, RefuseADescriptorOfNoMountOfOurs) {
  run([](const Place&) {
    const Proc proc = Proc::open();
    int ends[2];
    ASSERT_EQ(0, ::pipe2(ends, O_CLOEXEC));
    EXPECT_THROW(MountTable(proc).of(ends[0]), Error);
  });
}

std::string param_name(const testing::TestParamInfo<std::tuple<As, Source>>& info) {
  const bool kernel = std::get<1>(info.param) == Source::kKernel;
  return sandbox::name(std::get<0>(info.param)) + (kernel ? "Kernel" : "Mountinfo");
}

INSTANTIATE_TEST_SUITE_P(Sources, MountTables,
                         testing::Combine(testing::Values(As::kRoot, As::kUser),
                                          testing::Values(Source::kKernel, Source::kMountinfo)),
                         param_name);

}  // namespace
}  // namespace hookcore::sys
