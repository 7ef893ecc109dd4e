#include "libhookcore/overlay/workspace.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>

#include "libhookcore/base/error.h"
#include "tests/unit/overlay/bench.h"

namespace hookcore::overlay {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;

class WorkspaceTest : public ::testing::TestWithParam<As> {};

/// Mode, owner, times and attributes, as one text.
std::string metadata(const std::string& path) { return tree::snapshot(path).at(""); }

int64_t access_time(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw std::runtime_error(path);
  return status.st_atim.tv_sec;
}

void set_times(const std::string& path, time_t access, time_t modification) {
  const timespec times[2] = {{access, 5}, {modification, 6}};
  if (::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0) throw std::runtime_error(path);
}

TEST_P(WorkspaceTest, MaskedNamesAreGoneInListingsAndLookups) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(bench.path("source"),
               {"keep", "drop", "dir/keep", "dir/drop", "all/a/b", "link->drop", "new\nline",
                "\xff\xfe", "dir/\xff", "deep/1/2/3/drop"});
    const auto before = tree::snapshot(bench.path("source"));
    bench.mount("drop\n**/drop\nall\nnew?line\n?\xff*\n*\xfe\ndir/\xff\n");
    const std::string shown = bench.path("workspace");
    EXPECT_EQ((std::vector<std::string>{"deep", "dir", "keep", "link"}), tree::names(shown));
    EXPECT_EQ(std::vector<std::string>{"keep"}, tree::names(shown + "/dir"));
    EXPECT_TRUE(tree::names(shown + "/deep/1/2/3").empty());
    for (const char* name : {"drop", "dir/drop", "all", "all/a/b", "new\nline", "\xff\xfe",
                             "dir/\xff", "deep/1/2/3/drop"}) {
      EXPECT_FALSE(tree::exists(shown + "/" + name)) << name;
    }
    EXPECT_EQ(before, tree::snapshot(bench.path("source")));
    EXPECT_TRUE(tree::names(bench.path("scratch/upper")).empty()) << "masks aren't in the upper";
  });
}

TEST_P(WorkspaceTest, WhatIsMaskedCanBeMadeAgain) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(bench.path("source"), {"file=old", "dir/old", "dir/sub/old"});
    bench.mount("file\ndir\n");
    const std::string shown = bench.path("workspace");
    tree::make(shown, {"file=new", "dir/new"});
    EXPECT_EQ("new", tree::read(shown + "/file"));
    EXPECT_EQ(std::vector<std::string>{"new"}, tree::names(shown + "/dir")) << "nothing old in it";
    EXPECT_EQ(0, ::unlink((shown + "/file").c_str()));
    EXPECT_EQ(0, ::unlink((shown + "/dir/new").c_str()));
    EXPECT_EQ(0, ::rmdir((shown + "/dir").c_str()));
    EXPECT_TRUE(tree::names(shown).empty());
    EXPECT_EQ("old", tree::read(bench.path("source/file")));
  });
}

TEST_P(WorkspaceTest, ParentsOfMasksLookAsInTheSource) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    const std::string source = bench.path("source");
    tree::make(source, {"a/b/drop", "a/b/keep", "a/c/keep"});
    ASSERT_EQ(0, ::chmod((source + "/a").c_str(), 02751));
    ASSERT_EQ(0, ::chmod((source + "/a/b").c_str(), 01700));
    if (place.as == As::kRoot) {
      ASSERT_EQ(0, ::lchown((source + "/a/b").c_str(), 4711, 4712));
      ASSERT_EQ(0, ::chmod((source + "/a/b").c_str(), 01700));
    }
    const bool attributes = ::setxattr((source + "/a").c_str(), "user.colour", "blue", 4, 0) == 0;
    const std::string acl = "setfacl -m u:0:rwx -d -m g:0:rx " + source + "/a/b 2>/dev/null";
    const bool lists = std::system(acl.c_str()) == 0;
    set_times(source + "/a/b", 1000000000, 1100000000);
    set_times(source + "/a", 1200000000, 1300000000);
    set_times(source, 1400000000, 1500000000);
    bench.mount("**/drop\n");
    const std::string shown = bench.path("workspace");
    EXPECT_EQ(1000000000, access_time(shown + "/a/b"));
    EXPECT_EQ(1200000000, access_time(shown + "/a"));
    EXPECT_EQ(1400000000, access_time(shown));
    EXPECT_FALSE(tree::exists(shown + "/a/b/drop"));
    for (const char* name : {"", "/a", "/a/b", "/a/c"}) {
      EXPECT_EQ(metadata(source + name), metadata(shown + name)) << name;
    }
    if (!attributes) std::puts("no user.* attributes here: not compared");
    if (!lists) std::puts("no access control lists here: not compared");
  });
}

TEST_P(WorkspaceTest, ReadingTheSourceLeavesItsAccessTimesAlone) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(bench.path("source"), {"a/drop", "a/keep"});
    set_times(bench.path("source/a"), 1000000000, 1100000000);  // relatime would update it
    bench.mount("**/drop\n");
    EXPECT_EQ(1000000000, access_time(bench.path("source/a")));
    EXPECT_EQ(std::vector<std::string>{"keep"}, tree::names(bench.path("workspace/a")));
    EXPECT_EQ(1000000000, access_time(bench.path("source/a"))) << "nor by the workspace's reader";
  });
}

TEST_P(WorkspaceTest, PlacesToMountOnStayWhateverRulesSay) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(bench.path("source"), {"masked/other", "masked/deep/inner/x", "masked/deep/file",
                                      "exact/content", "config=secret", "plain/dir/x"});
    bench.mount("masked\nexact\nconfig\n", {{"masked/deep/inner", true},
                                            {"masked/deep/file", false},
                                            {"exact", true},
                                            {"config", false},
                                            {"plain/dir", true}});
    const std::string shown = bench.path("workspace");
    EXPECT_EQ((std::vector<std::string>{"config", "exact", "masked", "plain"}), tree::names(shown));
    EXPECT_EQ(std::vector<std::string>{"deep"}, tree::names(shown + "/masked"));
    EXPECT_EQ((std::vector<std::string>{"file", "inner"}), tree::names(shown + "/masked/deep"));
    EXPECT_TRUE(tree::names(shown + "/masked/deep/inner").empty());
    EXPECT_TRUE(tree::names(shown + "/exact").empty());
    EXPECT_EQ("", tree::read(shown + "/config")) << "a place, not the contents";
    EXPECT_TRUE(tree::exists(shown + "/plain/dir/x"));
  });
}

TEST_P(WorkspaceTest, ManyMasksShareAWhiteout) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sandbox::InMemory memory(place);
    Bench bench(memory.place);
    constexpr int kFiles = 70000;  // more than ext4's 65,000 links
    tree::make(bench.path("source"), {"a/", "b/keep"});
    const sys::UniqueFd directory = bench.open("source/a");
    for (int i = 0; i < kFiles; ++i) {
      const std::string name = std::to_string(i) + ".o";
      const sys::UniqueFd file(::openat(directory.get(), name.c_str(), O_CREAT | O_WRONLY, 0644));
      ASSERT_TRUE(file) << i;
    }
    bench.mount("**/*.o\n");
    EXPECT_EQ(uint64_t{kFiles}, bench.workspace().masks);
    EXPECT_TRUE(tree::names(bench.path("workspace/a")).empty());
    EXPECT_EQ(std::vector<std::string>{"keep"}, tree::names(bench.path("workspace/b")));
  });
}

// On a file system with a limit the layer goes on with a fresh whiteout.
TEST_P(WorkspaceTest, AFileSystemsLimitOfLinksIsNoLimitOfMasks) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(place.path, {"layer/", "source/file"});
    const sys::UniqueFd layer = bench.open("layer");
    const sys::UniqueFd source = bench.open("source");
    MaskLayer masks(layer.get(), source.get(), {bench.user_xattr(), {}});
    constexpr int kMasks = 65100;
    for (int i = 0; i < kMasks; ++i) {
      masks.mask({"", source.get()}, "m" + std::to_string(i), ignore::EntryType::kFile);
    }
    masks.finish();
    struct stat first {};
    struct stat last {};
    ASSERT_EQ(0, ::fstatat(layer.get(), "m0", &first, AT_SYMLINK_NOFOLLOW));
    ASSERT_EQ(0, ::fstatat(layer.get(), "m65099", &last, AT_SYMLINK_NOFOLLOW));
    EXPECT_TRUE(S_ISCHR(last.st_mode) && last.st_rdev == 0);
    EXPECT_EQ(size_t{kMasks}, sys::list_directory(layer.get()).size());
    if (first.st_ino == last.st_ino) sandbox::skip("no limit of links on this file system");
  });
}

TEST_P(WorkspaceTest, AnUpperThatIsThereIsKept) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(place.path, {"source/file", "scratch/upper/written"});
    ASSERT_EQ(0, ::chmod(bench.path("source").c_str(), 0711));
    bench.mount("");
    EXPECT_EQ((std::vector<std::string>{"file", "written"}), tree::names(bench.path("workspace")));
  });
}

// A hook that was killed between two steps leaves no upper with the wrong mode.
TEST_P(WorkspaceTest, AHalfMadeUpperIsFinished) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(place.path, {"source/file", "scratch/upper.new/"});
    ASSERT_EQ(0, ::chmod(bench.path("scratch/upper.new").c_str(), 0700));
    ASSERT_EQ(0, ::chmod(bench.path("source").c_str(), 02775));
    bench.mount("");
    EXPECT_EQ(metadata(bench.path("source")), metadata(bench.path("workspace")));
    EXPECT_EQ((std::vector<std::string>{"upper", "work"}), tree::names(bench.path("scratch")));
  });
}

TEST_P(WorkspaceTest, ScratchInTheSourceIsRefused) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(place.path, {"source/a/b/scratch/", "bound/", "source-2/scratch/"});
    const sys::UniqueFd source = bench.open("source");
    const auto refused = [&](const std::string& scratch) {
      try {
        refuse_scratch_inside(sys::Proc::open(), source.get(), bench.open(scratch).get());
        return false;
      } catch (const Error& error) {
        EXPECT_EQ(Code::kScratch, error.code());
        return true;
      }
    };
    EXPECT_TRUE(refused("source/a/b/scratch"));
    EXPECT_TRUE(refused("source"));
    EXPECT_FALSE(refused("scratch"));
    EXPECT_FALSE(refused("source-2/scratch"));
    ASSERT_EQ(0, ::mount(bench.path("source").c_str(), bench.path("bound").c_str(), nullptr,
                         MS_BIND, nullptr));
    EXPECT_TRUE(refused("bound/a/b/scratch")) << "the same directory by another way";
  });
}

TEST_P(WorkspaceTest, ProbeTellsWhyAnUpperIsUnfit) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc host = sys::Proc::open();
    Bench bench(place);
    EXPECT_NO_THROW(probe_upper(host, bench.open("scratch").get(), bench.user_xattr()));
    EXPECT_TRUE(tree::names(bench.path("scratch")).empty()) << "the probe cleans up";
    bench.mount("");
    try {
      probe_upper(host, bench.open("workspace").get(), bench.user_xattr());
      ADD_FAILURE() << "an overlay was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(Code::kScratch, error.code());
      EXPECT_NE(std::string::npos, error.line().find("lies on overlay")) << error.line();
      EXPECT_NE(std::string::npos, error.line().find("scratch-dir")) << error.line();
    }
    const sys::UniqueFd proc =
        sys::open_at(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
    EXPECT_THROW(probe_upper(host, proc.get(), bench.user_xattr()), Error);
    ASSERT_EQ(0, ::mount("tmpfs", bench.path("workspace").c_str(), "tmpfs", MS_RDONLY, nullptr));
    EXPECT_THROW(probe_upper(host, bench.open("workspace").get(), bench.user_xattr()), Error);
  });
}

TEST_P(WorkspaceTest, MountsInTheSourceDoNotShowThrough) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(bench.path("source"), {"sub/behind"});
    ASSERT_EQ(0, ::mount("tmpfs", bench.path("source/sub").c_str(), "tmpfs", 0, nullptr));
    tree::make(bench.path("source"), {"sub/mounted"});
    bench.mount("");
    EXPECT_EQ(std::vector<std::string>{"behind"}, tree::names(bench.path("workspace/sub")));
  });
}

INSTANTIATE_TEST_SUITE_P(As, WorkspaceTest, ::testing::Values(As::kRoot, As::kUser),
                         sandbox::name_of);

TEST(CloneSource, ExplainsLockedMounts) {
  sandbox::run(As::kRoot, [](const Place& place) {
    tree::make(place.path, {"source/sub/"});
    ASSERT_EQ(0, ::mount("tmpfs", (place.path + "/source/sub").c_str(), "tmpfs", 0, nullptr));
    ASSERT_EQ(0, ::chmod(place.path.c_str(), 0755));
    EXPECT_EQ(0, sandbox::in_child([&] {
                if (::setresuid(4711, 4711, 4711) != 0) ::_exit(2);
                if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(3);
                const auto api = sys::make_new_mount_api();
                const sys::UniqueFd source = sys::open_at(
                    AT_FDCWD, place.path + "/source", O_PATH | O_DIRECTORY, sys::Resolve::kHost);
                try {
                  const sys::UniqueFd clone = clone_source(*api, source.get());
                } catch (const Error& error) {
                  ::_exit(error.code() == Code::kSource ? 0 : 4);
                }
                ::_exit(5);
              }));
  });
}

}  // namespace
}  // namespace hookcore::overlay
