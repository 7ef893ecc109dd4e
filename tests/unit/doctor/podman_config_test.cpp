// Which hooks.d directories podman reads.
#include "tests/unit/doctor/fixture.h"

namespace hookcore::doctor {
namespace {

using Directories = std::vector<std::string>;

class PodmanConfigTest : public Doctor {
 protected:
  PodmanConfigTest() { remove(kDropIn); }
  Directories directories(bool rootful = true, unsigned major = 4) {
    return read_podman_config(machine(rootful), major).hook_directories;
  }
  void set(const std::string& path, const std::string& list) {
    put(path, "[engine]\nhooks_dir = [" + list + "]\n");
  }
};

TEST_F(PodmanConfigTest, DefaultIsTheSharedDirectory) {
  EXPECT_EQ(directories(), Directories{kSharedHooks});
}

TEST_F(PodmanConfigTest, LaterFilesReplaceEarlierOnes) {
  set("/usr/share/containers/containers.conf", "'/1'");
  EXPECT_EQ(directories(), Directories{"/1"});
  set("/etc/containers/containers.conf", "'/2'");
  EXPECT_EQ(directories(), Directories{"/2"});
  set("/etc/containers/containers.conf.d/20.conf", "'/20', '/21'");
  set("/etc/containers/containers.conf.d/10.conf", "'/10'");
  set("/etc/containers/containers.conf.d/30.txt", "'/30'");
  EXPECT_EQ(directories(), (Directories{"/20", "/21"}));
  put("/etc/containers/containers.conf.d/40.conf", "[engine]\nruntime = 'crun'\n");
  EXPECT_EQ(directories(), (Directories{"/20", "/21"}));
}

TEST_F(PodmanConfigTest, HomeCountsForUsersAndForRootSincePodman5) {
  set("/home/ann/.config/containers/containers.conf", "'/home'");
  EXPECT_EQ(directories(false, 4), Directories{"/home"});
  EXPECT_EQ(directories(true, 4), Directories{kSharedHooks});
  EXPECT_EQ(directories(true, 5), Directories{"/home"});
  set("/home/ann/.config/containers/containers.conf.d/1.conf", "'/more'");
  EXPECT_EQ(directories(false, 4), Directories{"/more"});
}

TEST_F(PodmanConfigTest, AppendKeepsWhatCameBefore) {
  set("/etc/containers/containers.conf", "'/1', {append=true}");
  EXPECT_EQ(directories(), (Directories{kSharedHooks, "/1"}));
}

TEST_F(PodmanConfigTest, BrokenFileIsNamedWithItsLine) {
  put("/etc/containers/containers.conf", "[engine]\nhooks_dir = [\n");
  const Findings findings = read_podman_config(machine(), 4).findings;
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].status, Status::kFailure);
  EXPECT_HAS(findings[0].what, "/etc/containers/containers.conf:");
}

}  // namespace
}  // namespace hookcore::doctor
