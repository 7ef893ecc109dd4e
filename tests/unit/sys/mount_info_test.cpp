#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "tests/unit/support/sandbox.h"
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
  EXPECT_EQ("ext3", mounts[0].type);
  EXPECT_EQ("/a b\tc\nd\\e", mounts[1].mount_point);
  EXPECT_TRUE(mounts[1].shared);
  EXPECT_EQ("tmpfs", mounts[1].type);
  EXPECT_EQ("proc", mounts[2].type);
}

TEST(ParseMountinfo, SurvivesWhatNoKernelWrites) {
  EXPECT_TRUE(parse_mountinfo("").empty());
  EXPECT_TRUE(parse_mountinfo("\n\n").empty());
  EXPECT_EQ(1U, parse_mountinfo("1 2 3").size());
  EXPECT_EQ(1U, parse_mountinfo("garbage").size());
  EXPECT_EQ("/a\\04", parse_mountinfo("1 2 0:1 / /a\\04 rw - x y z").at(0).mount_point);
  EXPECT_EQ("/a\\9", parse_mountinfo("1 2 0:1 / /a\\9 rw - x y z").at(0).mount_point);
}

TEST(ParseMountinfo, KnowsOurOwnMounts) {
  for (const As as : {As::kRoot, As::kUser}) {
    if (as == As::kRoot && ::geteuid() != 0) continue;
    sandbox::run(as, [](const Place& place) {
      const std::string name = "line\nbreak \\ blank";
      tree::make(place.path, {name + "/"});
      ASSERT_EQ(0, ::mount("tmpfs", (place.path + "/" + name).c_str(), "tmpfs",
                           MS_NOSUID | MS_RDONLY, nullptr));
      const UniqueFd fd = open_at(place.fd, name, O_PATH, Resolve::kNoLinks);
      const MountPoint point = mount_point(fd.get());
      EXPECT_TRUE(point.is_root);
      EXPECT_TRUE(point.flags.no_suid);
      EXPECT_TRUE(point.flags.read_only);
      EXPECT_FALSE(point.flags.no_exec);
      EXPECT_FALSE(mount_point(place.fd).is_root);
      int found = 0;
      for (const MountInfo& mount : parse_mountinfo(Proc::open().read("self/mountinfo"))) {
        if (mount.id != point.id) continue;
        ++found;
        EXPECT_EQ(place.path + "/" + name, mount.mount_point);
        EXPECT_EQ(mount_point(place.fd).id, mount.parent);
        EXPECT_FALSE(mount.shared);
      }
      EXPECT_EQ(1, found);
    });
  }
}

}  // namespace
}  // namespace hookcore::sys
