#include "libhookcore/changes/walk.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>

#include "libhookcore/base/error.h"
#include "tests/unit/changes/bench.h"

namespace hookcore::changes {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;
using Lines = std::vector<std::string>;

/// An upper as the kernel writes it.
class KernelTest : public ::testing::TestWithParam<As> {
 protected:
  static void expect(As as, const Lines& source, const std::string& options,
                     const std::string& script, const Lines& expected) {
    sandbox::run(as, [&](const Place& place) {
      Bench bench(place);
      tree::make(bench.path("source"), source);
      const auto before = tree::snapshot(bench.path("source"));
      bench.mount(options);
      bench.in_merged(script);
      EXPECT_EQ(expected, bench.changes()) << script;
      EXPECT_EQ(before, tree::snapshot(bench.path("source")));
    });
  }
};

TEST_P(KernelTest, AddedModifiedDeleted) {
  expect(GetParam(), {"keep", "change=1", "gone", "d/change=1", "d/gone", "dir/a/b"}, "",
         "echo 2 > change; rm gone; echo 2 > d/change; rm d/gone; rm -r dir; echo x > new; "
         "mkdir n; echo x > n/1; mkdir n/m; echo x > n/m/2",
         {"M change contents", "M d/change contents", "D d/gone", "D dir/", "D gone",
          "A n/ below 3", "A new"});
}

TEST_P(KernelTest, ModesTypesAndNothing) {
  expect(GetParam(), {"file=x", "dir/in=x", "same=x", "a=x", "b/c=x", "link->file"}, "",
         "chmod 755 file; chmod 711 dir; touch same; rm a; mkdir a; rm -r b; echo x > b; "
         "ln -sfn elsewhere link",
         {"M a/ retyped", "M b retyped", "M dir/ mode", "M file mode", "M link contents"});
}

TEST_P(KernelTest, ADirectoryThatWasMadeAnewIsOpaque) {
  expect(GetParam(), {"d/same=x", "d/other=x", "d/gone", "d/sub/gone"}, "",
         "rm -r d; mkdir d; printf x > d/same; echo y > d/other; echo z > d/new",
         {"D d/gone", "A d/new", "M d/other contents", "D d/sub/"});
}

/// The same tree and the same script, the workspace a copy: the same changes.
class CopyTest : public ::testing::TestWithParam<As> {
 protected:
  static void expect(const Lines& source, const std::string& container, const std::string& user,
                     const Lines& expected, const std::string& rules = "") {
    sandbox::run(GetParam(), [&](const Place& place) {
      tree::make(place.path, {"source/"});
      tree::make(place.path + "/source", source);
      const testing::CopyBench bench(place.path, rules);
      const auto work = [&](const std::string& directory, const std::string& script) {
        const std::string command = "set -e; cd '" + place.path + directory + "'; " + script;
        ASSERT_EQ(0, std::system(command.c_str())) << script;
      };
      work("/copy", container);
      work("/source", user);
      EXPECT_EQ(expected, bench.changes()) << container;
    });
  }
};
INSTANTIATE_TEST_SUITE_P(As, CopyTest, ::testing::Values(As::kRoot, As::kUser, As::kPlain),
                         sandbox::name_of);

TEST_P(CopyTest, AddedModifiedDeleted) {
  expect({"keep", "change=1", "gone", "d/change=1", "d/gone", "dir/a/b"},
         "echo 2 > change; rm gone; echo 2 > d/change; rm d/gone; rm -r dir; echo x > new; "
         "mkdir n; echo x > n/1; mkdir n/m; echo x > n/m/2",
         ":",
         {"M change contents", "M d/change contents", "D d/gone", "D dir/", "D gone",
          "A n/ below 3", "A new"});
}

TEST_P(CopyTest, ModesTypesAndNothing) {
  expect({"file=x", "dir/in=x", "same=x", "a=x", "b/c=x", "link->file"},
         "chmod 755 file; chmod 711 dir; touch same; rm a; mkdir a; rm -r b; echo x > b; "
         "ln -sfn elsewhere link",
         ":", {"M a/ retyped", "M b retyped", "M dir/ mode", "M file mode", "M link contents"});
}

TEST_P(CopyTest, ADirectoryThatWasMadeAnew) {
  expect({"d/same=x", "d/other=x", "d/gone", "d/sub/gone"},
         "rm -r d; mkdir d; printf x > d/same; echo y > d/other; echo z > d/new", ":",
         {"D d/gone", "A d/new", "M d/other contents", "D d/sub/"});
}

TEST_P(CopyTest, AMovedDirectoryIsSeenAlthoughNothingInItIsDated) {
  expect({"a/x=1", "b/x=2"}, "mv a t; mv b a; mv t b", ":", {"M a/x contents", "M b/x contents"});
}

TEST_P(CopyTest, WhatTheUserChangesInTheSourceIsNoneOfTheContainers) {
  expect({"changed=1", "gone=1", "moved=1", "mode=1", "d/kept=1", "both=1"}, "rm both",
         "echo 2 > changed; rm gone; mv moved elsewhere; chmod 700 mode; echo x > new; "
         "mkdir more; touch d/more; rm both",
         {"D both"});
}

TEST_P(CopyTest, WhatIsExcludedIsNoDeletion) {
  expect({"a=1", "hidden/b=1", "also/c=1"}, "mkdir hidden; echo > hidden/b", "echo > also/d",
         {"A hidden/ below 1"}, "hidden\nalso");
}

TEST_P(KernelTest, NamesAreBytes) {
  expect(GetParam(), {"b\nb", "\xff", "d\n\xfe/x=1"}, "",
         "rm 'b\nb'; mkfifo \"$(printf '\\375\\n\\001x')\"; rm \xff; echo 2 > 'd\n\xfe/x'",
         {"D b\nb", "M d\n\xfe/x contents", "A \xfd\n\x01x", "D \xff"});
}

TEST_P(KernelTest, HardLinksAreOneFile) {
  expect(GetParam(), {"a=x"}, "", "echo y > a; ln a b; mkdir d; ln a d/c; echo 1 > n; ln n m",
         {"M a contents", "A b link a", "A d/ below 1", "A m", "A n link m"});
}

INSTANTIATE_TEST_SUITE_P(As, KernelTest, ::testing::Values(As::kRoot, As::kUser), sandbox::name_of);

/// What only the machine's root may ask the kernel for.
class KernelRootTest : public KernelTest {};

TEST_P(KernelRootTest, ADirectoryThatWasMovedShowsWhatTheSourceHas) {
  expect(GetParam(), {"a/b/file=x", "a/b/change=1", "a/b/gone=1", "a/rest", "to/x"},
         "redirect_dir=on",
         "mv a/b to/moved; echo 2 > to/moved/change; rm to/moved/gone; echo n > to/moved/new",
         {"D a/b/", "A to/moved/ below 3 from a/b"});
}

TEST_P(KernelRootTest, MovedTwiceAndItsPlaceTakenByAnother) {
  expect(GetParam(), {"a/one=1", "b/two=2"}, "redirect_dir=on", "mv a t; mv b a; mv t b",
         {"D a/one", "A a/two", "A b/one", "D b/two"});
}

TEST_P(KernelRootTest, OnlyMetadataWasCopiedUp) {
  expect(GetParam(), {"file=x", "d/other=y", "moved=z"}, "metacopy=on,redirect_dir=on",
         "chmod 755 file; chmod 700 d/other; mv moved d/here",
         {"A d/here from moved", "M d/other mode", "M file mode", "D moved"});
}

INSTANTIATE_TEST_SUITE_P(As, KernelRootTest, ::testing::Values(As::kRoot), sandbox::name_of);

/// An upper that is made by hand: what other kernels write, and what nobody should.
class CraftedTest : public ::testing::TestWithParam<As> {};

void set(const std::string& path, const char* name, const std::string& value) {
  ASSERT_EQ(0, ::lsetxattr(path.c_str(), name, value.data(), value.size(), 0)) << path << name;
}

// Documentation/filesystems/overlayfs.rst, "xwhiteouts": a regular file without contents in a
// directory that says that it has such.
TEST_P(CraftedTest, WhiteoutsMayBeAttributes) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(bench.path("source"), {"d/gone", "d/kept", "e/kept"});
    tree::make(bench.path("upper"), {"d/gone", "d/mine", "e/kept"});
    set(bench.path("upper/d"), "user.overlay.opaque", "x");
    set(bench.path("upper/d/gone"), "user.overlay.whiteout", "y");
    set(bench.path("upper/e/kept"), "user.overlay.whiteout", "y");
    EXPECT_EQ((Lines{"D d/gone", "A d/mine"}), bench.changes(bench.layers("", true)))
        << "in e nobody has said so";
    EXPECT_EQ((Lines{"A d/mine"}), bench.changes(bench.layers("", false)))
        << "where overlayfs has trusted.*, these are the container's own";
  });
}

TEST_P(CraftedTest, AnOpaqueDirectoryHidesWhatIsBelow) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(bench.path("source"), {"d/gone", "d/kept=1", "d/hidden"});
    tree::make(bench.path("upper"), {"d/kept=1"});
    set(bench.path("upper/d"), "user.overlay.opaque", "y");
    EXPECT_EQ(Lines{"D d/gone"}, bench.changes(bench.layers("d/hidden\n", true)));
    EXPECT_EQ(Lines{}, bench.changes(bench.layers("d/hidden\n", false)));
  });
}

TEST_P(CraftedTest, ARedirectLeadsNowhereElse) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(place.path, {"outside/secret=precious"});
    tree::make(bench.path("source"), {"a/b=1", "link->../outside"});
    tree::make(bench.path("upper"), {"new/mine"});
    for (const std::string target : {"/..", "/../outside", "..", "/link", "/a/../../outside", "/",
                                     "//outside", "/nothing", "", "x/../../outside"}) {
      set(bench.path("upper/new"), "user.overlay.redirect", target);
      const auto lines = bench.changes(bench.layers("", true));
      ASSERT_FALSE(lines.empty()) << target;
      EXPECT_TRUE(lines.front().starts_with("A new/ below ")) << target << ": " << lines.front();
    }
    set(bench.path("upper/new"), "user.overlay.redirect", "/../outside");
    EXPECT_TRUE(bench.changes(bench.layers("", true)).front().starts_with("A new/ below 1"));
  });
}

// What the rules hide, the container never saw: not where it is, nor where a directory was moved.
TEST_P(CraftedTest, ARedirectShowsNothingThatTheRulesHide) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench bench(place);
    tree::make(bench.path("source"), {"d/seen", "d/hidden", "d/deep/hidden"});
    tree::make(bench.path("upper"), {"new/"});
    set(bench.path("upper/new"), "user.overlay.redirect", "/d");
    EXPECT_EQ(Lines{"A new/ below 2 from d"}, bench.changes(bench.layers("**/hidden\n", true)));
  });
}

INSTANTIATE_TEST_SUITE_P(As, CraftedTest, ::testing::Values(As::kRoot, As::kUser),
                         sandbox::name_of);

}  // namespace
}  // namespace hookcore::changes
