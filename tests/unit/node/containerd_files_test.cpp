// containerd's configuration in several files: which of them our handler goes to, and what is left.
#include "libhookcore/node/containerd_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"
#include "tests/unit/support/tree.h"

namespace hookcore::node {
namespace {

constexpr const char* kConfig = "/etc/containerd/config.toml";
constexpr const char* kDropIn = "/etc/containerd/conf.d/50-oci-cnb-hooks.toml";
const std::string kImports = "imports = [\"/etc/containerd/conf.d/*.toml\"]\n";
const std::string kCri2 = "plugins.\"io.containerd.grpc.v1.cri\"";
const std::string kCri3 = "plugins.\"io.containerd.cri.v1.runtime\"";

/// A runtime of the CRI as an administrator writes it.
std::string runtime(const std::string& cri, const std::string& name, const std::string& binary) {
  const std::string table = cri + ".containerd.runtimes." + name;
  return "[" + table + "]\nruntime_type = \"io.containerd.runc.v2\"\n[" + table +
         ".options]\nBinaryName = \"" + binary + "\"\n";
}

class ContainerdFiles : public ::testing::Test {
 protected:
  ContainerdFiles() {
    tree::make(root_, {"etc/containerd/"});
    handler_.base_spec = "/opt/base.json";
  }

  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    tree::write(root_ + path, text);
  }
  std::string read(const std::string& path) const { return tree::read(root_ + path); }
  bool exists(const std::string& path) const { return tree::exists(root_ + path); }

  ContainerdPlan plan() const { return plan_containerd_handler(Host(root_), handler_); }
  bool install() const { return make_edits(Host(root_), plan().edits); }
  bool uninstall() const {
    const Host host(root_);
    return make_edits(host, plan_containerd_removal(host));
  }

  /// {path: mode, owner, contents}: a file that was replaced has another time.
  auto contents() const {
    auto found = tree::snapshot(root_);
    for (auto& [path, text] : found) {
      const size_t time = text.find(' ', text.find(' ') + 1);
      text.erase(time, text.find(' ', time + 1) - time);
    }
    return found;
  }
  /// Installing again changes nothing; uninstalling leaves everything as it was.
  void expect_round_trip() const {
    const auto before = contents();
    EXPECT_TRUE(install());
    EXPECT_NE(contents(), before);
    const auto after = tree::snapshot(root_);
    EXPECT_FALSE(install());
    EXPECT_EQ(tree::snapshot(root_), after);
    EXPECT_TRUE(uninstall());
    EXPECT_EQ(contents(), before);
    EXPECT_FALSE(uninstall());
  }
  void expect_refusal(const std::string& part) const {
    try {
      plan();
      ADD_FAILURE() << "no error, expected: " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kSettings);
      EXPECT_NE(error.line().find(part), std::string::npos) << error.line();
    }
  }

  std::string binary_of_ours(const std::string& path, const std::string& plugin) const {
    return parse_toml(read(
        path))["plugins"][plugin]["containerd"]["runtimes"]["cnb"]["options"]["BinaryName"]
        .value_or(std::string());
  }

  const tree::Room room_{"containerd"};
  const std::string root_ = room_.path();
  Handler handler_;
};

TEST_F(ContainerdFiles, AFileOfItsOwnWhereConfDIsImported) {
  const std::string config =
      "version = 3\n" + kImports + runtime(kCri3, "runc", "/usr/bin/runc-of-the-node");
  write(kConfig, config);
  expect_round_trip();
  EXPECT_FALSE(exists("/etc/containerd/conf.d"));
  install();
  EXPECT_EQ(read(kConfig), config);
  EXPECT_EQ(parse_toml(read(kDropIn))["version"].value_or(0), 3);
  EXPECT_EQ(binary_of_ours(kDropIn, "io.containerd.cri.v1.runtime"), "/usr/bin/runc-of-the-node");
}

TEST_F(ContainerdFiles, ADirectoryThatWasThereStays) {
  write(kConfig, "version = 3\n" + kImports);
  tree::make(root_, {"etc/containerd/conf.d/"});
  expect_round_trip();
  EXPECT_TRUE(exists("/etc/containerd/conf.d"));
}

TEST_F(ContainerdFiles, ADirectoryThatSomebodyElseUsesMeanwhileStays) {
  write(kConfig, "version = 3\n" + kImports);
  install();
  write("/etc/containerd/conf.d/99-other.toml", "version = 3\n");
  uninstall();
  EXPECT_FALSE(exists(kDropIn));
  EXPECT_TRUE(exists("/etc/containerd/conf.d/99-other.toml"));
}

TEST_F(ContainerdFiles, TheDropInHasTheVersionOfConfigToml) {
  write(kConfig, "version = 4\n" + kImports);
  install();
  EXPECT_EQ(parse_toml(read(kDropIn))["version"].value_or(0), 4);
}

TEST_F(ContainerdFiles, AHandlerInAnImportedFileIsStoodOn) {
  write(kConfig, "version = 3\n" + kImports);
  write("/etc/containerd/conf.d/10-crun.toml",
        "version = 3\n[" + kCri3 + ".containerd]\ndefault_runtime_name = \"crun\"\n" +
            runtime(kCri3, "crun", "/usr/bin/crun"));
  expect_round_trip();
  install();
  EXPECT_EQ(binary_of_ours(kDropIn, "io.containerd.cri.v1.runtime"), "/usr/bin/crun");
}

TEST_F(ContainerdFiles, AnImportedFileOfVersion2IsUnderstoodAsContainerdDoes) {
  write(kConfig, "version = 3\n" + kImports);
  write("/etc/containerd/conf.d/10-crun.toml",
        "version = 2\n" + runtime(kCri2, "crun", "/usr/bin/crun"));
  handler_.based_on = "crun";
  install();
  EXPECT_EQ(binary_of_ours(kDropIn, "io.containerd.cri.v1.runtime"), "/usr/bin/crun");
}

TEST_F(ContainerdFiles, AForeignHandlerInAnImportedFileIsFound) {
  write(kConfig, "version = 3\n" + kImports);
  write("/etc/containerd/conf.d/10-cnb.toml", "version = 3\n" + runtime(kCri3, "cnb", "/x"));
  expect_refusal("that isn't ours");
}

TEST_F(ContainerdFiles, ABlockWhereNothingIsImported) {
  write(kConfig, "version = 3\nroot = \"/x\"\n");
  expect_round_trip();
  install();
  EXPECT_TRUE(read(kConfig).starts_with("version = 3\nroot = \"/x\"\n# BEGIN oci-cnb-hooks"));
}

TEST_F(ContainerdFiles, ABlockWhereTheImportTakesOtherNames) {
  write(kConfig, "version = 3\nimports = [\"/etc/containerd/conf.d/99-*.toml\"]\n");
  expect_round_trip();
  install();
  EXPECT_NE(read(kConfig).find("# BEGIN oci-cnb-hooks"), std::string::npos);
}

// containerd 1.x: the last file's table of the CRI plugin replaces the others.
TEST_F(ContainerdFiles, Version2GetsTheBlockInTheFileThatCounts) {
  const std::string config = "version = 2\n" + kImports + runtime(kCri2, "lost", "/lost");
  write(kConfig, config);
  write("/etc/containerd/conf.d/10-cri.toml", "version = 2\n" + runtime(kCri2, "runc", "/runc"));
  write("/etc/containerd/conf.d/20-other.toml", "version = 2\noom_score = 1\n");
  expect_round_trip();
  install();
  EXPECT_EQ(read(kConfig), config);
  EXPECT_EQ(binary_of_ours("/etc/containerd/conf.d/10-cri.toml", "io.containerd.grpc.v1.cri"),
            "/runc");
  uninstall();
  handler_.based_on = "lost";
  expect_refusal("no runtime handler \"lost\"");
}

TEST_F(ContainerdFiles, Version2GetsTheBlockInConfigTomlWhereImportsSayNothingOfTheCri) {
  write(kConfig, "version = 2\n" + kImports + runtime(kCri2, "runc", "/runc"));
  write("/etc/containerd/conf.d/20-other.toml", "version = 2\noom_score = 1\n");
  expect_round_trip();
  install();
  EXPECT_EQ(binary_of_ours(kConfig, "io.containerd.grpc.v1.cri"), "/runc");
}

TEST_F(ContainerdFiles, TheBlockMovesToADropInWhenConfDIsImportedLater) {
  const std::string config = "version = 3\nroot = \"/x\"\n";
  write(kConfig, config);
  install();
  write(kConfig, kImports + read(kConfig));
  EXPECT_TRUE(install());
  EXPECT_EQ(read(kConfig), kImports + config);
  EXPECT_TRUE(exists(kDropIn));
  // And back.
  write(kConfig, config);
  EXPECT_TRUE(install());
  EXPECT_FALSE(exists(kDropIn));
  uninstall();
  EXPECT_EQ(read(kConfig), config);
}

TEST_F(ContainerdFiles, ImportsAreFollowedAsContainerdDoes) {
  write(kConfig, "version = 3\nimports = [\"more/*.toml\", \"/srv/last.toml\"]\n");
  write("/etc/containerd/more/.a.toml", "imports = [\"/etc/containerd/config.toml\"]\n");
  write("/srv/last.toml", "version = 3\n" + runtime(kCri3, "kata", "/usr/bin/kata"));
  handler_.based_on = "kata";
  install();
  EXPECT_EQ(
      binary_of_ours("/etc/containerd/more/50-oci-cnb-hooks.toml", "io.containerd.cri.v1.runtime"),
      "/usr/bin/kata");
}

TEST_F(ContainerdFiles, RefusesWhatItCannotFollow) {
  write(kConfig, "version = 3\nimports = [\"/srv/none.toml\"]\n");
  expect_refusal("imports \"/srv/none.toml\", which isn't there");
  write(kConfig, "version = 2\nimports = [\"conf.d/*.toml\"]\n");
  expect_refusal("write it as an absolute path");
  write(kConfig, "version = 3\n" + kImports);
  write("/etc/containerd/conf.d/x.toml", "[[[\n");
  expect_refusal("/etc/containerd/conf.d/x.toml:1");
  std::filesystem::remove(root_ + "/etc/containerd/conf.d/x.toml");
  write(kDropIn, "version = 3\n");
  expect_refusal("a file of this name isn't ours");
}

TEST_F(ContainerdFiles, WhatIsElsewhereIsTold) {
  write(kConfig, "version = 3\nimports = [\"/srv/elsewhere/*.toml\"]\n");
  ASSERT_EQ(plan().notes.size(), 1U);
  EXPECT_NE(plan().notes[0].find("/srv/elsewhere"), std::string::npos);
}

TEST_F(ContainerdFiles, HandlersAreFoundInAllFiles) {
  EXPECT_FALSE(read_containerd(Host(root_)));
  write(kConfig, "version = 3\n" + kImports + runtime(kCri3, "runc", "/usr/bin/runc"));
  write("/etc/containerd/conf.d/x.toml",
        "version = 3\n" + runtime(kCri3, "w", "/usr/bin/oci-cnb-runtime") +
            "[plugins.\"io.containerd.nri.v1.nri\"]\nsocket_path = \"/s\"\n");
  install();
  const auto found = read_containerd(Host(root_));
  ASSERT_TRUE(found);
  std::string handlers;
  for (const FoundHandler& handler : found->handlers) {
    handlers += handler.name + " " + handler.base_spec + " " + handler.binary + "\n";
  }
  EXPECT_EQ("cnb /opt/base.json /usr/bin/runc\nrunc  /usr/bin/runc\nw  /usr/bin/oci-cnb-runtime\n",
            handlers);
  EXPECT_EQ("/s", found->nri_socket);
  EXPECT_EQ(std::nullopt, found->nri_disabled);
}

TEST_F(ContainerdFiles, HandlersOfVersion2AreFound) {
  handler_.door = Door::kSpec;
  write(kConfig, "version = 2\n[plugins.\"io.containerd.nri.v1.nri\"]\ndisable = true\n");
  install();
  const auto found = read_containerd(Host(root_));
  ASSERT_TRUE(found);
  EXPECT_EQ(true, found->nri_disabled);
  ASSERT_EQ(found->handlers.size(), 2U);
  EXPECT_EQ("cnb", found->handlers[0].name);
  EXPECT_EQ((std::vector<std::string>{"io.cnb.hooks.*", "io.cnb.hooks.*/*"}),
            found->handlers[0].pod_annotations);
}

TEST_F(ContainerdFiles, UninstallsFromAConfigurationThatBrokeSince) {
  write(kConfig, "version = 3\n" + kImports);
  install();
  write(kConfig, "version = 3\n[[[\n");
  EXPECT_TRUE(uninstall());
  EXPECT_FALSE(exists(kDropIn));
}

TEST_F(ContainerdFiles, AFileThatWasEmptyIsEmptyAgain) {
  write(kConfig, "");
  expect_round_trip();
}

TEST_F(ContainerdFiles, DirectoriesThatWereMadeGoWithTheirFile) {
  std::filesystem::remove_all(root_ + "/etc/containerd");
  expect_round_trip();
  write(kConfig, "version = 3\nimports = [\"/srv/deep/down/*.toml\"]\n");
  expect_round_trip();
  // But not with something in them.
  install();
  write("/srv/deep/theirs", "x");
  EXPECT_TRUE(uninstall());
  EXPECT_FALSE(exists("/srv/deep/down"));
  EXPECT_TRUE(exists("/srv/deep/theirs"));
}

TEST_F(ContainerdFiles, LineBreaksOfWindowsStay) {
  write(kConfig, "version = 2\r\nroot = \"/x\"\r\n");
  expect_round_trip();
  write(kConfig, "version = 2\r\nroot = \"/x\"");
  expect_round_trip();
}

TEST_F(ContainerdFiles, ALinkThatLeadsNowhereYetStays) {
  tree::make(root_, {"etc/containerd/config.toml->/srv/containerd.toml", "srv/"});
  expect_round_trip();
  install();
  EXPECT_TRUE(std::filesystem::is_symlink(root_ + kConfig));
  EXPECT_NE(read("/srv/containerd.toml").find("# BEGIN oci-cnb-hooks"), std::string::npos);
}

TEST_F(ContainerdFiles, ModeAndLinksOfAnAdministratorsFileStay) {
  write("/srv/containerd.toml", "version = 2\n");
  ASSERT_EQ(::chmod((root_ + "/srv/containerd.toml").c_str(), 0600), 0);
  tree::make(root_, {"etc/containerd/config.toml->../../srv/containerd.toml"});
  expect_round_trip();
  install();
  EXPECT_TRUE(std::filesystem::is_symlink(root_ + kConfig));
  struct ::stat status {};
  ASSERT_EQ(::stat((root_ + kConfig).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_NE(read("/srv/containerd.toml").find("# BEGIN oci-cnb-hooks"), std::string::npos);
}

}  // namespace
}  // namespace hookcore::node
