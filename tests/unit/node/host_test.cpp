// Files of a machine in a directory, as the installer and `oci-cnb config` change them.
#include "libhookcore/node/host.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "libhookcore/node/edit.h"
#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/tree.h"

namespace hookcore::node {
namespace {

class HostFiles : public ::testing::Test {
 protected:
  mode_t mode(const std::string& path) const {
    struct ::stat status {};
    EXPECT_EQ(::stat((root_ + path).c_str(), &status), 0) << path;
    return status.st_mode & 07777U;
  }

  const tree::Room room_{"host"};
  const std::string root_ = room_.path();
};

TEST_F(HostFiles, EverybodyMayReadWhatRootMakesWhateverTheUmask) {
  tree::make(root_, {"etc/"});
  const mode_t umask = ::umask(077);
  Host(root_).write("/etc/new/deep/file", "text", 0644);
  ::umask(umask);
  const mode_t expected = ::geteuid() == 0 ? 0755 : 0700;
  EXPECT_EQ(mode("/etc/new"), expected);
  EXPECT_EQ(mode("/etc/new/deep"), expected);
  EXPECT_EQ(mode("/etc/new/deep/file"), 0644U);
}

TEST_F(HostFiles, AModeFromAboveAndOfADirectoryThatIsThereStays) {
  tree::make(root_, {"etc/"});
  ASSERT_EQ(::chmod((root_ + "/etc").c_str(), 02700), 0);
  Host(root_).write("/etc/new/file", "text", 0644);
  EXPECT_EQ(mode("/etc"), 02700U);
  EXPECT_EQ(mode("/etc/new"), 02755U);
}

TEST_F(HostFiles, ALinkToADirectoryStays) {
  tree::make(root_, {"etc/ours->/srv/ours", "srv/ours/file=text"});
  const Host host(root_);
  const std::vector<Edit> edits{{"/etc/ours/file", std::nullopt, {"/etc/ours"}}};
  EXPECT_EQ(removed_directories(host, edits), std::vector<std::string>());
  EXPECT_TRUE(make_edits(host, edits));
  EXPECT_EQ(tree::names(root_ + "/srv/ours"), std::vector<std::string>());
  EXPECT_TRUE(host.link("/etc/ours"));
}

TEST_F(HostFiles, ADirectoryThatMayNotBeRemovedStays) {
  tree::make(root_, {"etc/ours/file=text"});
  ASSERT_EQ(::chmod((root_ + "/etc").c_str(), 0500), 0);
  EXPECT_TRUE(make_edits(Host(root_), {{"/etc/ours/file", std::nullopt, {"/etc/ours"}}}));
  EXPECT_EQ(::chmod((root_ + "/etc").c_str(), 0700), 0);
  EXPECT_FALSE(tree::exists(root_ + "/etc/ours/file"));
  EXPECT_EQ(tree::exists(root_ + "/etc/ours"), ::geteuid() != 0) << "root may";
}

TEST_F(HostFiles, AFileThatCanNotBeWrittenIsNamedWhole) {
  if (::geteuid() == 0) return;  // tests/cli has a read-only file system for root
  tree::make(root_, {"etc/ours/file=text"});
  ASSERT_EQ(::chmod((root_ + "/etc/ours").c_str(), 0500), 0);
  const std::string remedy = "run it as the owner of the directory, or as root";
  const auto refuse = [&](const std::string& path) {
    expect_error(Code::kSystem, "system: write: Permission denied; \"" + path + "\"; " + remedy,
                 [&] { Host(root_).write(path, "other", 0644); });
  };
  refuse("/etc/ours/file");
  refuse("/etc/ours/new");
  expect_error(Code::kSystem, "system: mkdirat: Permission denied; \"/etc/ours/deep\"; " + remedy,
               [&] { Host(root_).write("/etc/ours/deep/file", "other", 0644); });
  EXPECT_EQ(::chmod((root_ + "/etc/ours").c_str(), 0700), 0);
}

TEST_F(HostFiles, ADirectoryIsLockedForOneAtATime) {
  tree::make(root_, {"etc/"});
  const Host host(root_);
  EXPECT_FALSE(host.lock_directory("/etc/ours", false));
  EXPECT_FALSE(tree::exists(root_ + "/etc/ours"));
  auto lock = host.lock_directory("/etc/ours", true);
  ASSERT_TRUE(lock);
  EXPECT_EQ(tree::names(root_ + "/etc/ours"), std::vector<std::string>());
  std::thread other([&] { EXPECT_TRUE(host.lock_directory("/etc/ours", true)); });
  // Whoever waits gets the directory of that name, not the one that is gone.
  host.remove_empty_directory("/etc/ours");
  lock.reset();
  other.join();
  EXPECT_TRUE(tree::exists(root_ + "/etc/ours"));
}

}  // namespace
}  // namespace hookcore::node
