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

TEST_F(PodmanConfigTest, VariablesDecide) {
  set("/home/ann/.config/containers/containers.conf", "'/home'");
  set("/etc/containers/containers.conf", "'/etc'");
  set("/elsewhere/containers/containers.conf", "'/elsewhere'");
  set("/only.conf", "'/only'");
  set("/last.conf", "'/last'");
  Machine asked = machine(false);
  const auto read = [&](unsigned major) { return read_podman_config(asked, major); };
  asked.environment = {{"XDG_CONFIG_HOME", "/elsewhere"}};
  EXPECT_EQ(read(4).hook_directories, Directories{"/elsewhere"});
  EXPECT_TRUE(read(4).findings.empty());
  asked.environment["CONTAINERS_CONF"] = "/only.conf";
  EXPECT_EQ(read(4).hook_directories, Directories{"/only"});
  EXPECT_HAS(read(4).findings.at(0).what, "CONTAINERS_CONF=\"/only.conf\" decides");
  asked.environment["CONTAINERS_CONF_OVERRIDE"] = "/last.conf";
  EXPECT_EQ(read(4).hook_directories, Directories{"/only"});
  EXPECT_EQ(read(5).hook_directories, Directories{"/last"});
  asked.environment = {{"CONTAINERS_CONF", "/none"}};
  EXPECT_EQ(read(5).findings.at(0).status, Status::kFailure);
  EXPECT_EQ(read(5).hook_directories, Directories{kSharedHooks});
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
