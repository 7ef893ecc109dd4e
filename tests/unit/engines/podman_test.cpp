// podman on a machine that is made up in a directory.
#include "libhookcore/engines/podman.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"
#include "tests/unit/support/tree.h"

namespace hookcore::engines {
namespace {

constexpr const char* kSystem = "/etc/containers/containers.conf.d/99-oci-cnb-hooks.conf";
constexpr const char* kUsers =
    "/home/me/.config/containers/containers.conf.d/99-oci-cnb-hooks.conf";
constexpr const char* kShared = "/usr/share/containers/oci/hooks.d";
using Strings = std::vector<std::string>;

class PodmanSettings : public ::testing::Test {
 protected:
  PodmanSettings() {
    request_.root = room_.path();
    request_.user = {1000, false, "/home/me"};
    request_.hooks_directory = "/hooks";
    tree::make(request_.root, {"etc/", "home/me/"});
  }

  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(request_.root + path).parent_path());
    tree::write(request_.root + path, text);
  }
  node::Plan plan() const { return plan_podman(node::Host(request_.root), request_); }
  bool install() const { return node::install(node::Host(request_.root), plan()); }
  bool uninstall() const {
    const node::Host host(request_.root);
    return node::uninstall(host, plan_podman_removal(host, request_));
  }
  Strings directories(const std::string& path) const {
    Strings found;
    const toml::table config = parse_toml(tree::read(request_.root + path));
    for (const auto& entry : *config["engine"]["hooks_dir"].as_array()) {
      found.push_back(entry.value_or(std::string()));
    }
    return found;
  }
  /// {path: contents} without times.
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(request_.root)) {
      found[entry.path()] = entry.is_directory() ? "/" : tree::read(entry.path());
    }
    return found;
  }
  void expect_round_trip() const {
    const auto before = contents();
    EXPECT_TRUE(install());
    const auto after = contents();
    EXPECT_NE(after, before);
    EXPECT_FALSE(install());
    EXPECT_EQ(contents(), after);
    EXPECT_TRUE(uninstall());
    EXPECT_EQ(contents(), before);
    EXPECT_FALSE(uninstall());
  }

  const tree::Room room_{"podman"};
  PodmanRequest request_;
};

TEST_F(PodmanSettings, TheSystemsComeAndGo) {
  expect_round_trip();
  install();
  EXPECT_EQ(directories(kSystem), (Strings{kShared, "/etc/containers/oci-cnb-hooks.d"}));
  EXPECT_EQ(tree::names(request_.root + "/etc/containers/oci-cnb-hooks.d").size(), 3U);
}

TEST_F(PodmanSettings, AUsersComeAndGo) {
  request_.for_user = true;
  expect_round_trip();
  install();
  EXPECT_EQ(directories(kUsers), (Strings{kShared, "/home/me/.config/containers/oci-cnb-hooks.d"}));
}

TEST_F(PodmanSettings, DirectoriesOfOthersAreRepeated) {
  write("/etc/containers/containers.conf", "[engine]\nhooks_dir = [\"/theirs\"]\n");
  expect_round_trip();
  install();
  EXPECT_EQ(directories(kSystem), (Strings{"/theirs", "/etc/containers/oci-cnb-hooks.d"}));
  // And followed when they change.
  write("/etc/containers/containers.conf", "[engine]\nhooks_dir = [\"/others\"]\n");
  EXPECT_TRUE(install());
  EXPECT_EQ(directories(kSystem).front(), "/others");
}

TEST_F(PodmanSettings, WhatThePackageDoesIsNotDoneTwice) {
  const auto hook = [](const char* program) {
    return "{\"hook\": {\"path\": \"/usr/libexec/oci-cnb-hooks/" + std::string(program) + "\"}}";
  };
  write(std::string(kShared) + "/90-a.json", hook("oci-cnb-createruntime"));
  write(std::string(kShared) + "/90-b.json", hook("oci-cnb-poststop"));
  install();
  EXPECT_EQ(tree::names(request_.root + "/etc/containers/oci-cnb-hooks.d").size(), 1U);
  // The last one as well: ours goes, there is nothing to do any more.
  write("/podman-hooks/90-c.json", hook("oci-cnb-precreate"));
  write("/etc/containers/containers.conf.d/50-package.conf",
        "[engine]\nhooks_dir = [\"" + std::string(kShared) + "\", \"/podman-hooks\"]\n");
  EXPECT_TRUE(plan().versioned.empty());
  EXPECT_NE(plan().notes.at(0).find("50-package.conf"), std::string::npos);
}

TEST_F(PodmanSettings, AFileOfOursNameThatIsNotOursStays) {
  write(kSystem, "");
  try {
    plan();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(error.line().find("a file of this name isn't ours"), std::string::npos)
        << error.line();
  }
  EXPECT_FALSE(uninstall());
  EXPECT_TRUE(tree::exists(request_.root + kSystem));
}

TEST_F(PodmanSettings, RefusesWhatWouldNotWork) {
  write("/etc/containers/containers.conf.d/zz.conf", "[engine]\nhooks_dir = []\n");
  EXPECT_THROW(plan(), Error);
  write("/etc/containers/containers.conf.d/zz.conf", "[[[\n");
  EXPECT_THROW(plan(), Error);
  std::filesystem::remove(request_.root + "/etc/containers/containers.conf.d/zz.conf");
  request_.for_user = true;
  request_.user = {0, true, ""};
  EXPECT_THROW(plan(), Error);
}

}  // namespace
}  // namespace hookcore::engines
