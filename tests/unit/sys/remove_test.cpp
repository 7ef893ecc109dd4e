#include "libhookcore/sys/remove.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::sys {
namespace {

using sandbox::As;
using sandbox::InMemory;
using sandbox::Place;

void bind_mount(const std::string& source, const std::string& target) {
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    throw std::runtime_error("bind " + target);
  }
}

void make_source(const Place& place) {
  tree::make(place.path, {"source/file=precious", "source/dir/deep/file=too", "source/link->file"});
}

class Remove : public testing::TestWithParam<As> {};

TEST_P(Remove, TakesAwayAWholeTreeWithAllKindsOfNames) {
  sandbox::run(GetParam(), [](const Place& place) {
    tree::make(place.path, {"t/a/b/c", "t/-rf", "t/--help/x", "t/new\nline", "t/\xff\xfe/\x80",
                            "t/ /x", "t/*", "t/link->../keep", "t/loop->loop", "keep=kept"});
    ASSERT_EQ(0, ::mkfifo((place.path + "/t/fifo").c_str(), 0600));
    const RemoveResult result = remove_tree(place.fd, "t");
    EXPECT_TRUE(result.complete()) << result.first_left;
    EXPECT_EQ(16U, result.removed);
    EXPECT_EQ(std::vector<std::string>{"keep"}, tree::names(place.path));
  });
}

TEST_P(Remove, WhatIsNotThereIsDone) {
  sandbox::run(GetParam(), [](const Place& place) {
    const RemoveResult result = remove_tree(place.fd, "absent");
    EXPECT_TRUE(result.complete());
    EXPECT_EQ(0U, result.removed);
  });
}

TEST_P(Remove, OnlyANameOfAnEntryIsTaken) {
  sandbox::run(GetParam(), [](const Place& place) {
    tree::make(place.path, {"t/file"});
    for (const char* name : {"", ".", "..", "t/file", "../x", "/"}) {
      EXPECT_THROW(remove_tree(place.fd, name), Error) << name;
    }
    EXPECT_TRUE(tree::exists(place.path + "/t/file"));
  });
}

TEST_P(Remove, ALinkAsTheTreeItselfIsUnlinked) {
  sandbox::run(GetParam(), [](const Place& place) {
    make_source(place);
    tree::make(place.path, {"t->source"});
    const auto before = tree::snapshot(place.path + "/source");
    EXPECT_TRUE(remove_tree(place.fd, "t").complete());
    EXPECT_FALSE(tree::exists(place.path + "/t"));
    EXPECT_EQ(before, tree::snapshot(place.path + "/source"));
  });
}

TEST_P(Remove, NeverCrossesABindOfTheSource) {
  sandbox::run(GetParam(), [](const Place& place) {
    make_source(place);
    tree::make(place.path,
               {"t/bound/", "t/a/b/nested/", "t/file", "t/bound-file", "t/z", "t/link->../source"});
    bind_mount(place.path + "/source", place.path + "/t/bound");
    bind_mount(place.path + "/source/dir", place.path + "/t/a/b/nested");
    bind_mount(place.path + "/source/file", place.path + "/t/bound-file");
    const auto before = tree::snapshot(place.path + "/source");
    const RemoveResult result = remove_tree(place.fd, "t");
    EXPECT_EQ(before, tree::snapshot(place.path + "/source"));
    EXPECT_EQ(3U, result.left) << result.first_left;
    EXPECT_NE(std::string::npos, result.first_left.find("t/")) << result.first_left;
    EXPECT_EQ((std::vector<std::string>{"a", "bound", "bound-file"}),
              tree::names(place.path + "/t"))
        << "everything else is gone";
    for (const char* point : {"/t/bound", "/t/a/b/nested", "/t/bound-file"}) {
      ASSERT_EQ(0, ::umount2((place.path + point).c_str(), MNT_DETACH));
    }
    EXPECT_TRUE(remove_tree(place.fd, "t").complete());
    EXPECT_EQ(before, tree::snapshot(place.path + "/source"));
  });
}

TEST_P(Remove, TheTreeItselfMayBeAMount) {
  sandbox::run(GetParam(), [](const Place& place) {
    make_source(place);
    tree::make(place.path, {"t/"});
    bind_mount(place.path + "/source", place.path + "/t");
    const auto before = tree::snapshot(place.path + "/source");
    const RemoveResult result = remove_tree(place.fd, "t");
    EXPECT_EQ(1U, result.left);
    EXPECT_EQ("\"t\": something is mounted on it", result.first_left);
    EXPECT_EQ(before, tree::snapshot(place.path + "/source"));
    ASSERT_EQ(0, ::umount2((place.path + "/t").c_str(), MNT_DETACH));
  });
}

TEST_P(Remove, LeavesATmpfsAndWhatIsBoundInIt) {
  sandbox::run(GetParam(), [](const Place& place) {
    make_source(place);
    tree::make(place.path, {"t/memory/"});
    ASSERT_EQ(0, ::mount("tmpfs", (place.path + "/t/memory").c_str(), "tmpfs", 0, nullptr));
    tree::make(place.path, {"t/memory/source/"});
    bind_mount(place.path + "/source", place.path + "/t/memory/source");
    const auto before = tree::snapshot(place.path + "/source");
    EXPECT_EQ(1U, remove_tree(place.fd, "t").left);
    EXPECT_EQ(before, tree::snapshot(place.path + "/source"));
    ASSERT_EQ(0, ::umount2((place.path + "/t/memory").c_str(), MNT_DETACH));
  });
}

TEST_P(Remove, StopsAtALimitAndGoesOn) {
  sandbox::run(GetParam(), [](const Place& place) {
    std::string deep = "t";
    for (int level = 0; level < 200; ++level) deep += "/d";
    tree::make(place.path, {deep + "/file", "t/a/1", "t/a/2", "t/b/3"});
    uint64_t removed = 0;
    for (int round = 0; tree::exists(place.path + "/t"); ++round) {
      ASSERT_LT(round, 500);
      for (const std::string& name : tree::names(place.path)) {
        const RemoveResult result = remove_tree(place.fd, name, 3);
        EXPECT_LE(result.removed, 3U);
        EXPECT_EQ(0U, result.left) << result.first_left;
        EXPECT_NE(result.complete(), result.cut_off);
        removed += result.removed;
      }
    }
    for (const std::string& name : tree::names(place.path)) {
      removed += remove_tree(place.fd, name).removed;
    }
    EXPECT_EQ(200U + 1U + 6U, removed);
  });
}

TEST_P(Remove, ADirectorySwappedForALinkLeadsNowhere) {
  sandbox::run(GetParam(), [](const Place& on_disk) {
    const InMemory memory(on_disk);
    const Place& place = memory.place;
    make_source(place);
    const auto before = tree::snapshot(place.path + "/source");
    const std::string swap = place.path + "/swap";
    tree::make(place.path, {"swap->source"});
    const std::jthread attacker([&](const std::stop_token& stop) {
      const std::string victim = place.path + "/t/dir";
      while (!stop.stop_requested()) {
        ::renameat2(AT_FDCWD, swap.c_str(), AT_FDCWD, victim.c_str(), RENAME_EXCHANGE);
      }
    });
    for (int round = 0; round < 3000; ++round) {
      ::mkdir((place.path + "/t").c_str(), 0755);
      ::mkdir((place.path + "/t/dir").c_str(), 0755);
      for (const char* name : {"/t/dir/file", "/t/dir/link"}) {
        const UniqueFd file(::open((place.path + name).c_str(),
                                   O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644));
      }
      remove_tree(place.fd, "t");
      if (!tree::exists(swap)) tree::make(place.path, {"swap->source"});
    }
    EXPECT_EQ(before, tree::snapshot(place.path + "/source"));
  });
}

TEST_P(Remove, OpensDirectoriesWithoutPermissions) {
  sandbox::run(GetParam(), [](const Place& place) {
    tree::make(place.path, {"t/work/work/#1", "t/closed/inner/file"});
    for (const char* name : {"/t/work/work", "/t/closed/inner", "/t/closed", "/t"}) {
      ASSERT_EQ(0, ::chmod((place.path + name).c_str(), 0));
    }
    const RemoveResult result = remove_tree(place.fd, "t");
    EXPECT_TRUE(result.complete()) << result.first_left;
    EXPECT_FALSE(tree::exists(place.path + "/t"));
  });
}

TEST_P(Remove, GoesDeeperThanPathsAndDescriptorsReach) {
  sandbox::run(GetParam(), [](const Place& on_disk) {
    const InMemory memory(on_disk);
    const Place& place = memory.place;
    const struct rlimit limit { 100, 100 };
    ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &limit));
    constexpr int kLevels = 1500;
    ASSERT_EQ(0, ::mkdirat(place.fd, "t", 0755));
    UniqueFd at = open_at(place.fd, "t", O_RDONLY | O_DIRECTORY, Resolve::kStrict);
    for (int i = 0; i < kLevels; ++i) {
      ASSERT_EQ(0, ::mkdirat(at.get(), "level", 0755));
      const UniqueFd file(::openat(at.get(), "file", O_CREAT | O_WRONLY, 0644));
      at = open_at(at.get(), "level", O_RDONLY | O_DIRECTORY, Resolve::kStrict);
    }
    at.reset();
    const RemoveResult result = remove_tree(place.fd, "t");
    EXPECT_TRUE(result.complete()) << result.first_left;
    EXPECT_EQ(2U * kLevels + 1, result.removed);
    EXPECT_TRUE(tree::names(place.path).empty()) << tree::names(place.path).front();
  });
}

// A removal that was killed has moved directories up; the next one meets their names.
TEST_P(Remove, CanBeDoneAgainAfterItWasKilled) {
  sandbox::run(GetParam(), [](const Place& place) {
    std::string path = place.path + "/t";
    ASSERT_EQ(0, ::mkdir(path.c_str(), 0755));
    for (int i = 0; i < 100; ++i) {
      path += "/d";
      ASSERT_EQ(0, ::mkdir(path.c_str(), 0755));
    }
    tree::make(place.path, {"t.deep.0/file", "t.deep.1/"});
    EXPECT_TRUE(remove_tree(place.fd, "t").complete());
    EXPECT_EQ((std::vector<std::string>{"t.deep.0", "t.deep.1"}), tree::names(place.path));
  });
}

TEST_P(Remove, SaysWhatItCouldNotRemoveAndTakesTheRest) {
  sandbox::run(GetParam(), [](const Place& place) {
    if (place.as != As::kRoot) sandbox::skip("only root makes files immutable");
    tree::make(place.path, {"t/a", "t/dir/stuck", "t/z"});
    const UniqueFd file(::open((place.path + "/t/dir/stuck").c_str(), O_RDONLY | O_CLOEXEC));
    int flags = FS_IMMUTABLE_FL;
    if (::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) != 0) {
      sandbox::skip("this file system has no immutable files, or we may not make one");
    }
    const RemoveResult result = remove_tree(place.fd, "t");
    flags = 0;
    ASSERT_EQ(0, ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags));
    EXPECT_EQ(1U, result.left);
    EXPECT_EQ("\"t/dir/stuck\": Operation not permitted", result.first_left);
    EXPECT_EQ(std::vector<std::string>{"dir"}, tree::names(place.path + "/t"));
  });
}

INSTANTIATE_TEST_SUITE_P(As, Remove, testing::Values(As::kRoot, As::kUser), sandbox::name_of);

// What a container with other ids wrote: an empty directory of theirs goes, a full one stays.
TEST(RemoveAsPlainUser, AnEmptyDirectoryOfAnotherUserGoes) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's files";
  sandbox::run(As::kRoot, [](const Place& place) {
    tree::make(place.path, {"t/empty/", "t/full/file"});
    for (const char* name : {"/t", ""}) {
      ASSERT_EQ(0, ::chown((place.path + name).c_str(), 4711, 4711));
    }
    for (const char* name : {"/t/empty", "/t/full"}) {
      ASSERT_EQ(0, ::chmod((place.path + name).c_str(), 0700));
    }
    ASSERT_EQ(0, ::setresuid(4711, 4711, 4711));
    const RemoveResult result = remove_tree(place.fd, "t");
    EXPECT_EQ(1U, result.left);
    EXPECT_EQ("\"t/full\": Permission denied", result.first_left);
    EXPECT_EQ(std::vector<std::string>{"full"}, tree::names(place.path + "/t"));
  });
}

}  // namespace
}  // namespace hookcore::sys
