// Copies on real file systems against their sources: what is visible, all of it, and nothing else.
#include "libhookcore/copy/copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string>

#include "tests/unit/copy/bench.h"
#include "tests/unit/support/disk.h"
#include "tests/unit/support/expect_error.h"

namespace hookcore::copy {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;

Options by(Method method, unsigned threads = 0) {
  Options options;
  options.method = method;
  options.threads = threads;
  return options;
}

/// A tree with one of everything that a user may have.
void fill(const Bench& bench) {
  tree::make(
      bench.path("source"),
      {"a=1", "dir/b=22", "dir/empty", "nothing/", "dir/new\nline=3", "dir/\xff\xfe=4", "link->a",
       "dir/dangling->../../nowhere", "dir/up->..", "secret/key=no", "secret/shown=yes",
       "secret/deep/also=yes", "node_modules/x/y=no", "other/kept=5", "other/left.log=no"});
  bench.in_source(
      "ln a dir/also-a; ln a other/third-a;"
      "truncate -s 9M holes; printf middle | dd of=holes bs=1 seek=5000000 conv=notrunc "
      "status=none; printf end | dd of=holes bs=1 seek=9437181 conv=notrunc status=none;"
      "truncate -s 3M all-hole;"
      "head -c 3000000 /dev/urandom > big; mkfifo dir/pipe;"
      "chmod 0751 dir; chmod 1777 other; chmod 0440 dir/b; chmod 2750 nothing;"
      "deep=; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do deep=$deep$(printf %0240d $i)/; "
      "done;"
      "mkdir -p $deep; echo deep > ${deep}file;"
      "touch -h -d '2001-02-03 04:05:06.789' a link dir/pipe nothing dir other .");
}

constexpr const char* kRules = "secret\n!secret/shown\n!secret/deep/also\nnode_modules\n**/*.log\n";
const std::vector<std::string> kHidden{"secret/key", "node_modules", "other/left.log"};

void expect_equal(const Bench& bench, Method method, unsigned threads) {
  const auto before = tree::snapshot(bench.path("source"));
  const Result result = bench.copy(kRules, by(method, threads));
  const auto visible = bench.visible(kHidden);
  EXPECT_EQ(visible, bench.copied());
  EXPECT_EQ(before, tree::snapshot(bench.path("source")));
  EXPECT_EQ(visible.size() - 1, result.entries) << "the root is none";
  EXPECT_EQ(visible.size() - 1, bench.manifest().size());
  EXPECT_EQ(0U, result.attributes_refused) << result.first_refused;
  struct ::stat status {};
  ASSERT_EQ(0, ::stat(bench.path("copy/holes").c_str(), &status));
  EXPECT_LT(status.st_blocks * 512, 1 << 20) << "holes are no zeros";
  ASSERT_EQ(0, ::stat(bench.path("copy/a").c_str(), &status));
  EXPECT_EQ(3U, status.st_nlink);
}

enum class On { kMemory, kDisk, kBtrfs, kXfs, kExt4 };

struct Case {
  const char* name;
  As as;
  On on;
  Method method;
};

class CopyTest : public ::testing::TestWithParam<Case> {
 protected:
  static std::string root(const Place& place) {
    switch (GetParam().on) {
      case On::kDisk:
        return place.path;
      case On::kBtrfs:
        return disk::mount("btrfs", place.path);
      case On::kXfs:
        return disk::mount("xfs", place.path);
      case On::kExt4:
        return disk::mount("ext4", place.path);
      case On::kMemory:
        break;
    }
    static_cast<void>(sandbox::InMemory(place));
    return place.path;
  }
};

TEST_P(CopyTest, ShowsWhatTheSourceShows) {
  sandbox::run(GetParam().as, [](const Place& place) {
    const Bench bench(root(place));
    fill(bench);
    if (GetParam().as == As::kRoot) {
      bench.in_source(
          "chown 1234:4321 dir a; chown -h 77:88 link; mknod null c 1 3; mknod hidden c 0 0;"
          "chmod 4755 dir/empty;"
          "setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= dir/b;"
          "setfattr -n trusted.mine -v x big; setfacl -m u:99:rwx other/kept;"
          "setfacl -d -m g:98:rx nothing; touch -d '2002-03-04 05:06:07' nothing .");
      // What overlayfs would hide of a lower layer.
      ASSERT_EQ(0, ::unlink(bench.path("source/hidden").c_str()));
    }
    expect_equal(bench, GetParam().method, 4);
  });
}

INSTANTIATE_TEST_SUITE_P(
    On, CopyTest,
    ::testing::Values(Case{"Tmpfs", As::kRoot, On::kMemory, Method::kPlain},
                      Case{"TmpfsUser", As::kUser, On::kMemory, Method::kPlain},
                      Case{"DiskUser", As::kUser, On::kDisk, Method::kPlain},
                      Case{"DiskPlainUser", As::kPlain, On::kDisk, Method::kPlain},
                      Case{"Ext4", As::kRoot, On::kExt4, Method::kPlain},
                      Case{"Btrfs", As::kRoot, On::kBtrfs, Method::kPlain},
                      Case{"BtrfsReflink", As::kRoot, On::kBtrfs, Method::kReflink},
                      Case{"Xfs", As::kRoot, On::kXfs, Method::kPlain},
                      Case{"XfsReflink", As::kRoot, On::kXfs, Method::kReflink}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(Reflink, TakesNoRoom) {
  sandbox::run(As::kRoot, [](const Place& place) {
    for (const char* kind : {"btrfs", "xfs"}) {
      const Bench bench(disk::mount(kind, place.path));
      bench.in_source("head -c 40000000 /dev/urandom > big");
      const auto used = [&] {
        struct ::statvfs status {};
        EXPECT_EQ(0, ::syncfs(bench.source()));
        EXPECT_EQ(0, ::fstatvfs(bench.source(), &status));
        return (status.f_blocks - status.f_bfree) * status.f_frsize;
      };
      const uint64_t before = used();
      EXPECT_EQ(40000000U, bench.copy("", by(Method::kReflink)).bytes);
      EXPECT_LT(used(), before + 8000000) << kind;
      EXPECT_EQ(tree::read(bench.path("source/big")), tree::read(bench.path("copy/big")));
    }
  });
}

TEST(Reflink, IsRefusedWithTheFirstFileWhereNoneCanBeCloned) {
  sandbox::run(As::kUser, [](const Place& place) {
    const sandbox::InMemory memory(place);
    const Bench bench(place.path);
    tree::make(bench.path("source"), {"dir/file=1"});
    EXPECT_THROW(bench.copy("", by(Method::kReflink)), Refused);
    bench.expect_nothing_left();
    bench.copy("", by(Method::kPlain));
    EXPECT_EQ(bench.visible({}), bench.copied());
  });
}

class PlainCopy : public ::testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(As, PlainCopy, ::testing::Values(As::kRoot, As::kUser), sandbox::name_of);

TEST_P(PlainCopy, IsRefusedBeforeItBeginsWhenItIsTooLarge) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    bench.in_source(
        "head -c 70000 /dev/zero | tr '\\0' x > a; ln a again; truncate -s 9M hole;"
        "head -c 70000 /dev/zero | tr '\\0' x > hidden; sync .");
    Options options;
    options.limit_bytes = 60000;
    expect_error(Code::kScratch,
                 "scratch: the visible files are more than the 60000 bytes that a copy may have; "
                 "exclude what isn't needed, or raise copy-limit in config.toml",
                 [&] { bench.copy("hidden", options); });
    bench.expect_nothing_left();
    // Names of one file count once, holes and what is hidden not at all.
    options.limit_bytes = 80000;
    EXPECT_EQ(70000U, bench.copy("hidden", options).bytes);
  });
}

TEST_P(PlainCopy, TellsOfItsProgress) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    bench.in_source("for i in 1 2 3; do head -c 100000 /dev/zero | tr '\\0' x > $i; done; sync .");
    Options options;
    Progress last;
    options.progress = [&](const Progress& progress) { last = progress; };
    options.progress_interval = std::chrono::milliseconds(0);
    bench.copy("", options);
    EXPECT_EQ(300000U, last.bytes);
    EXPECT_EQ(300000U, last.all_bytes);
    EXPECT_EQ(2U, last.files) << "of the last file it is told before that is complete";
  });
}

TEST_P(PlainCopy, MakesPlacesToMountOn) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    tree::make(bench.path("source"), {"node_modules/a=1", "shown/b=2"});
    Options options;
    options.anchors = {{"node_modules/.cache", true}, {"shown", true}, {"run/socket", false}};
    bench.copy("node_modules", options);
    EXPECT_EQ(std::vector<std::string>{".cache"}, tree::names(bench.path("copy/node_modules")));
    EXPECT_EQ(std::vector<std::string>{"b"}, tree::names(bench.path("copy/shown")));
    EXPECT_EQ("", tree::read(bench.path("copy/run/socket")));
    EXPECT_EQ(7U - 1U, bench.manifest().size());
  });
}

TEST_P(PlainCopy, OnlyVisibleNamesOfAFileAreLinked) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    tree::make(bench.path("source"), {"hidden/z=same", "d/"});
    bench.in_source("ln hidden/z a; ln hidden/z d/b; ln hidden/z hidden/y");
    bench.copy("hidden", {});
    struct ::stat one {};
    struct ::stat other {};
    ASSERT_EQ(0, ::stat(bench.path("copy/a").c_str(), &one));
    ASSERT_EQ(0, ::stat(bench.path("copy/d/b").c_str(), &other));
    EXPECT_EQ(one.st_ino, other.st_ino);
    EXPECT_EQ(2U, one.st_nlink);
  });
}

TEST_P(PlainCopy, OfManyDirectoriesByManyThreads) {
  sandbox::run(GetParam(), [](const Place& on_disk) {
    const sandbox::InMemory memory(on_disk);
    const Bench bench(on_disk.path);
    bench.in_source(
        "for i in $(seq 150); do mkdir -p $i/x/y; "
        "echo $i > $i/x/y/f; echo $i > $i/g; ln $i/g $i/x/h; done");
    for (const unsigned threads : {1U, 8U}) {
      bench.copy("75", by(Method::kPlain, threads));
      EXPECT_EQ(bench.visible({"75"}), bench.copied());
      bench.in_source("rm -r ../copy");
    }
  });
}

TEST(PlainCopyOfAUser, AnUnreadableFileIsRefused) {
  sandbox::run(As::kPlain, [](const Place& place) {
    const Bench bench(place.path);
    tree::make(bench.path("source"), {"dir/se\ncret=1"});
    bench.in_source("chmod 0 dir/*");
    expect_error(Code::kSource,
                 "source: no permission to read a file that the container is to see; "
                 "\"dir/se\\ncret\"; make it readable, or exclude it",
                 [&] { bench.copy("", {}); });
    bench.expect_nothing_left();
    bench.copy("dir/*", {});
    EXPECT_EQ(bench.visible({"dir/se\ncret"}), bench.copied());
  });
}

TEST(PlainCopyOfRoot, WhiteoutsHideAndDevicesAreKept) {
  sandbox::run(As::kRoot, [](const Place& place) {
    const Bench bench(place.path);
    bench.in_source("mknod white c 0 0; mknod zero c 1 5; mknod disk b 7 0");
    bench.copy("", {});
    EXPECT_EQ(bench.visible({"white"}), bench.copied());
  });
}

}  // namespace
}  // namespace hookcore::copy
