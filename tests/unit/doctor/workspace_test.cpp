// What the doctor makes of a directory and of the way that was found for it.
#include "tests/unit/doctor/fixture.h"

namespace hookcore::doctor {
namespace {

class WorkspaceTest : public Doctor {
 protected:
  WorkspaceTest() {
    put("/proc/self/mountinfo",
        "90 80 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "91 80 0:49 / /mnt/share rw - virtiofs share rw\n"
        "92 80 0:50 / /mnt/share/disk rw - xfs /dev/sdb rw\n");
  }

  WorkspaceReport report(const std::string& source, bool rootful = true) {
    return examine_workspace(machine(rootful), source);
  }
  /// The last finding, which is about the way.
  Finding verdict(const std::string& source = "/src", bool rootful = true) {
    return report(source, rootful).findings.back();
  }
};

TEST_F(WorkspaceTest, TheFileSystemsAreNamed) {
  put("/etc/oci-cnb-hooks/config.toml", "scratch-dir = \"/mnt/share/disk/scratch\"\n");
  EXPECT_EQ("ext4", report("/mnt/share/a").scratch_system) << "of the nearest that is there";
  EXPECT_EQ("/", question_.scratch);
  std::filesystem::create_directories(root_ + "/mnt/share/disk");
  const WorkspaceReport found = report("/mnt/share/a");
  EXPECT_EQ("virtiofs", found.source_system);
  EXPECT_EQ("xfs", found.scratch_system);
  EXPECT_EQ(Status::kOk, found.findings.back().status);
  EXPECT_HAS(found.findings.back().what, "scratch \"/mnt/share/disk/scratch\" (xfs): the kernel");
  EXPECT_HAS(found.findings.at(1).what, "\"/mnt/share\" is the host's (virtiofs): for sources");
  EXPECT_EQ("ext4", report("/mnt/shared").source_system);
}

TEST_F(WorkspaceTest, ALaterWayIsAWarningWithItsPriceAndWhatWouldBeBetter) {
  answer_.way = Way::kFuse;
  answer_.refusals = {{Way::kOverlay, "lies on nfs", "put it elsewhere"}};
  Finding finding = verdict();
  EXPECT_EQ(Status::kWarning, finding.status);
  EXPECT_EQ("overlay: lies on nfs; slower, and a daemon runs beside the container", finding.why);
  EXPECT_EQ("put it elsewhere", finding.mend);
  EXPECT_HAS(verdict("/src", false).why, "crun or runc without an engine");
  answer_.way = Way::kCopy;
  answer_.bytes = 12;
  answer_.refusals.push_back({Way::kFuse, "not installed", "install it"});
  answer_.refusals.push_back({Way::kReflink, "no", "put it elsewhere"});
  finding = verdict();
  EXPECT_HAS(finding.what, "a copy of the visible files, 12 bytes");
  EXPECT_EQ("put it elsewhere; or install it", finding.mend);
}

TEST_F(WorkspaceTest, TheWayThatIsConfiguredIsWell) {
  put("/etc/oci-cnb-hooks/config.toml", "way = \"fuse\"\n");
  answer_.way = Way::kFuse;
  answer_.refusals = {{Way::kOverlay, "way = \"fuse\" is configured", "x"}};
  EXPECT_EQ(Status::kOk, verdict().status);
  EXPECT_EQ(Way::kFuse, question_.policy.only);
}

TEST_F(WorkspaceTest, ARefusalIsAFailure) {
  answer_.way.reset();
  answer_.refusals = {{Way::kOverlay, "no", ""}, {Way::kFuse, "neither", ""}};
  EXPECT_EQ(Status::kFailure, verdict().status);
  EXPECT_EQ("a container over it is refused: overlay: no, fuse: neither", verdict().why);
  EXPECT_HAS(verdict().mend, "set scratch-dir");
  answer_.problem = "no room";
  answer_.remedy = "make room";
  EXPECT_HAS(verdict().what, "no room");
  EXPECT_EQ("make room", verdict().mend);
}

TEST_F(WorkspaceTest, WhatCanNotBeTriedIsAWarning) {
  answer_.problem = "this machine allows a plain user no user namespace";
  put("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
  EXPECT_EQ(Status::kWarning, verdict("/src", false).status);
  EXPECT_EQ(Status::kFailure, verdict("/src", true).status);
}

TEST_F(WorkspaceTest, AReadOnlySourceAndMemoryNeedNoScratch) {
  answer_.read_only = true;
  EXPECT_EQ("\"/src\" (ext4): the kernel's overlay, read-only as the source is mounted",
            verdict().what);
  answer_.read_only = false;
  put("/etc/oci-cnb-hooks/config.toml", "scratch = \"tmpfs\"\n");
  EXPECT_EQ("\"/src\" (ext4): the kernel's overlay, written in memory", verdict().what);
  EXPECT_TRUE(question_.tmpfs);
}

TEST_F(WorkspaceTest, NothingIsTriedWhereTheHooksWouldRefuseTheirSettingsOrScratch) {
  put("/etc/oci-cnb-hooks/config.toml", "way = \"both\"\n");
  EXPECT_EQ("settings", verdict().check);
  put("/etc/oci-cnb-hooks/config.toml", "scratch-dir = \"/wide\"\n");
  std::filesystem::create_directories(root_ + "/wide");
  ::chmod((root_ + "/wide").c_str(), 0777);
  EXPECT_HAS(verdict().what, "/wide belongs to uid");
  EXPECT_EQ("", question_.source);
}

}  // namespace
}  // namespace hookcore::doctor
