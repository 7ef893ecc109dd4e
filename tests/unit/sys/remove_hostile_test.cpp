#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "libhookcore/sys/file.h"
#include "libhookcore/sys/remove.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"
#include "tests/unit/sys/remove_unguarded.h"

namespace hookcore::sys {
namespace {

using sandbox::As;
using sandbox::InMemory;
using sandbox::Place;

bool bind_mount(const std::string& source, const std::string& target) {
  return ::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
}

void make_source(const Place& place) {
  tree::make(place.path, {"source/file=precious", "source/dir/deep/file=too", "source/link->file"});
}

class RemoveHostile : public testing::TestWithParam<As> {};

// The tests of the guard can fail: without it the same walk eats the source.
TEST_P(RemoveHostile, WithoutItsGuardItWouldEatTheSource) {
  sandbox::run(GetParam(), [](const Place& place) {
    make_source(place);
    tree::make(place.path, {"t/a/bound/", "t/file"});
    ASSERT_TRUE(bind_mount(place.path + "/source", place.path + "/t/a/bound"));
    const auto before = tree::snapshot(place.path + "/source");
    EXPECT_EQ(1U, remove_tree(place.fd, "t").left);
    EXPECT_EQ(before, tree::snapshot(place.path + "/source"));
    remove_tree_unguarded(place.fd, "t", kNoLimit);
    EXPECT_TRUE(tree::names(place.path + "/source").empty());
  });
}

TEST_P(RemoveHostile, LeavesSharedMountsAndWhatIsPropagatedIntoThem) {
  sandbox::run(GetParam(), [](const Place& place) {
    make_source(place);
    tree::make(place.path, {"peer/", "t/shared/", "t/nested/", "t/file"});
    // What is mounted below one of the two appears below the other.
    ASSERT_EQ(0, ::mount("tmpfs", (place.path + "/peer").c_str(), "tmpfs", 0, nullptr));
    ASSERT_EQ(0, ::mount(nullptr, (place.path + "/peer").c_str(), nullptr, MS_SHARED, nullptr));
    ASSERT_TRUE(bind_mount(place.path + "/peer", place.path + "/t/shared"));
    tree::make(place.path, {"peer/below/", "peer/kept"});
    ASSERT_TRUE(bind_mount(place.path + "/source", place.path + "/peer/below"));
    ASSERT_TRUE(tree::exists(place.path + "/t/shared/below/file"));
    ASSERT_TRUE(bind_mount(place.path + "/source", place.path + "/t/nested"));
    ASSERT_TRUE(bind_mount(place.path + "/source/dir", place.path + "/t/nested/dir"));
    const auto source = tree::snapshot(place.path + "/source");
    const auto peer = tree::snapshot(place.path + "/peer");
    EXPECT_EQ(2U, remove_tree(place.fd, "t").left);
    EXPECT_EQ((std::vector<std::string>{"nested", "shared"}), tree::names(place.path + "/t"));
    EXPECT_EQ(source, tree::snapshot(place.path + "/source"));
    EXPECT_EQ(peer, tree::snapshot(place.path + "/peer"));
  });
}

// The other races are in remove_test.cpp. Here the very directory that is entered gets a mount.
TEST_P(RemoveHostile, MountsThatComeWhileItWorksAreNotEntered) {
  sandbox::run(GetParam(), [](const Place& on_disk) {
    const InMemory memory(on_disk);
    const Place& place = memory.place;
    make_source(place);
    const auto before = tree::snapshot(place.path + "/source");
    std::atomic<int> mounted{0};
    {
      const std::jthread attacker([&](const std::stop_token& stop) {
        const std::string target = place.path + "/t/a/b";
        while (!stop.stop_requested()) {
          if (bind_mount(place.path + "/source", target)) ++mounted;
          ::umount2(target.c_str(), MNT_DETACH);
        }
      });
      constexpr int kRounds = 3000;
      for (int round = 0; round < kRounds || (mounted == 0 && round < 100 * kRounds); ++round) {
        for (const char* name : {"/t", "/t/a", "/t/a/b"}) {
          ::mkdir((place.path + name).c_str(), 0755);
        }
        remove_tree(place.fd, "t");
      }
    }
    EXPECT_GT(mounted, 0);
    EXPECT_EQ(before, tree::snapshot(place.path + "/source"));
  });
}

// As overlayfs and a container leave it: as deep as a path goes, and names as long as they get.
TEST_P(RemoveHostile, TakesWhatNoPathCanName) {
  sandbox::run(GetParam(), [](const Place& place) {
    const std::string name(NAME_MAX, 'n');
    ASSERT_EQ(0, ::mkdirat(place.fd, "t", 0755));
    UniqueFd at = open_at(place.fd, "t", O_RDONLY | O_DIRECTORY, Resolve::kStrict);
    constexpr int kLevels = 2 * PATH_MAX / NAME_MAX;
    for (int level = 0; level < kLevels; ++level) {
      ASSERT_EQ(0, ::symlinkat("/", at.get(), "link"));
      ASSERT_EQ(0, ::mkdirat(at.get(), name.c_str(), 0755));
      at = open_at(at.get(), name, O_RDONLY | O_DIRECTORY, Resolve::kStrict);
    }
    at.reset();
    const RemoveResult result = remove_tree(place.fd, "t");
    EXPECT_TRUE(result.complete()) << result.first_left;
    EXPECT_EQ(2U * kLevels + 1, result.removed);
    EXPECT_TRUE(tree::names(place.path).empty());
  });
}

INSTANTIATE_TEST_SUITE_P(As, RemoveHostile, testing::Values(As::kRoot, As::kUser),
                         sandbox::name_of);

// 200,000 entries; OCI_CNB_REMOVE_ENTRIES=1000000 makes it a million.
TEST(RemoveMany, TakesAsManyEntriesAsAContainerMakes) {
  sandbox::run(As::kUser, [](const Place& on_disk) {
    const InMemory memory(on_disk);
    const Place& place = memory.place;
    const char* asked = std::getenv("OCI_CNB_REMOVE_ENTRIES");
    const uint64_t entries = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 200000;
    constexpr uint64_t kInOne = 50000;  // entries of one directory
    uint64_t made = 1;
    ASSERT_EQ(0, ::mkdirat(place.fd, "t", 0755));
    for (uint64_t first = 0; first < entries; first += kInOne) {
      const std::string directory = "t/" + std::to_string(first);
      ASSERT_EQ(0, ::mkdirat(place.fd, directory.c_str(), 0755));
      const UniqueFd at = open_at(place.fd, directory, O_PATH | O_DIRECTORY, Resolve::kStrict);
      for (uint64_t i = 0; i < kInOne && first + i < entries; ++i) {
        ASSERT_EQ(0, ::mknodat(at.get(), std::to_string(i).c_str(), S_IFREG | 0600, 0));
        ++made;
      }
      ++made;
    }
    const RemoveResult result = remove_tree(place.fd, "t");
    EXPECT_TRUE(result.complete()) << result.first_left;
    EXPECT_EQ(made, result.removed);
    EXPECT_TRUE(tree::names(place.path).empty());
    std::printf("%llu entries removed\n", static_cast<unsigned long long>(result.removed));
  });
}

}  // namespace
}  // namespace hookcore::sys
