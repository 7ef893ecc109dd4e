// Sources that change while they are copied: from within the copy itself, so that nothing depends
// on who is faster.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "libhookcore/copy/copy.h"
#include "tests/unit/copy/bench.h"
#include "tests/unit/support/expect_error.h"

namespace hookcore::copy {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;

class HostileSource : public ::testing::TestWithParam<As> {
 protected:
  /// act: called with the number of the call, from 1, while the contents of a file are copied.
  static Options disturbed_by(const std::function<void(int)>& act, int& calls) {
    Options options;
    options.threads = 1;
    options.progress_interval = std::chrono::milliseconds(0);
    options.progress = [act, &calls](const Progress&) { act(++calls); };
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(As, HostileSource, ::testing::Values(As::kRoot, As::kUser),
                         sandbox::name_of);

TEST_P(HostileSource, AFileThatChangesOnceIsCopiedAgain) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    tree::make(bench.path("source"), {"file=old"});
    int calls = 0;
    bench.copy("", disturbed_by(
                       [&](int call) {
                         if (call == 1) tree::write(bench.path("source/file"), "new, and longer");
                       },
                       calls));
    EXPECT_EQ("new, and longer", tree::read(bench.path("copy/file")));
    EXPECT_EQ(bench.visible({}), bench.copied());
  });
}

TEST_P(HostileSource, AFileThatNeverRestsIsRefused) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    tree::make(bench.path("source"), {"log=line"});
    int calls = 0;
    expect_error(Code::kSource,
                 "source: a file keeps changing while it is copied; \"log\"; stop what writes it, "
                 "or exclude it",
                 [&] {
                   bench.copy("", disturbed_by(
                                      [&](int call) {
                                        tree::write(bench.path("source/log"),
                                                    std::string(static_cast<size_t>(call), 'x'));
                                      },
                                      calls));
                 });
    EXPECT_EQ(4, calls);
    bench.expect_nothing_left();
  });
}

TEST_P(HostileSource, AFileThatVanishesIsLeftOut) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    tree::make(bench.path("source"), {"file=gone", "dir/"});
    int calls = 0;
    bench.copy("",
               disturbed_by([&](int) { ASSERT_EQ(0, ::unlink(bench.path("source/file").c_str())); },
                            calls));
    EXPECT_EQ(std::vector<std::string>{"dir"}, tree::names(bench.path("copy")));
    EXPECT_EQ(1, calls);
  });
}

TEST_P(HostileSource, ADirectoryThatBecomesALinkLeadsNowhere) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    tree::make(place.path, {"outside/secret=1"});
    tree::make(bench.path("source"), {"file=1", "dir/inside=2"});
    int calls = 0;
    bench.copy("", disturbed_by(
                       [&](int call) {
                         if (call > 1) return;
                         bench.in_source("mv dir ../moved; ln -s ../outside dir");
                       },
                       calls));
    EXPECT_EQ(1, calls) << "the file at the top comes first, what is below isn't found any more";
    const auto copied = bench.copied();
    EXPECT_FALSE(copied.contains("/dir/secret"));
    EXPECT_FALSE(copied.contains("/dir/inside"));
    EXPECT_TRUE(copied.contains("/file"));
  });
}

TEST_P(HostileSource, AFileThatBecomesALinkIsCopiedAsOne) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    tree::make(place.path, {"outside=secret"});
    tree::make(bench.path("source"), {"file=1"});
    int calls = 0;
    bench.copy("", disturbed_by([&](int) { bench.in_source("ln -sf ../outside file"); }, calls));
    EXPECT_EQ(bench.visible({}), bench.copied());
    EXPECT_NE(std::string::npos, bench.copied().at("/file").find("-> ../outside"));
  });
}

TEST_P(HostileSource, AReplacedNameOfALinkedFileTakesNoOthersWithIt) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    tree::make(bench.path("source"), {"x=one file"});
    bench.in_source("ln x y");
    int calls = 0;
    bench.copy("", disturbed_by(
                       [&](int call) {
                         if (call > 1) return;
                         bench.in_source("for n in x y; do echo other > t; mv t $n; break; done");
                       },
                       calls));
    EXPECT_EQ("other\n", tree::read(bench.path("copy/x")));
    EXPECT_EQ("one file", tree::read(bench.path("copy/y")));
  });
}

TEST_P(HostileSource, AKilledCopyIsBegunAgain) {
  sandbox::run(GetParam(), [](const Place& place) {
    const Bench bench(place.path);
    tree::make(bench.path("source"), {"a=1", "b=2", "dir/c=3"});
    const int status = sandbox::in_child([&] {
      int calls = 0;
      bench.copy("", disturbed_by(
                         [](int call) {
                           if (call == 2) ::kill(::getpid(), SIGKILL);
                         },
                         calls));
    });
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(tree::exists(bench.path("copy.new"))) << "the copy was at work";
    EXPECT_FALSE(tree::exists(bench.path("copy")));
    bench.copy("", {});
    EXPECT_EQ(bench.visible({}), bench.copied());
    EXPECT_FALSE(tree::exists(bench.path("copy.new")));
    EXPECT_EQ(4U, bench.manifest().size());
  });
}

}  // namespace
}  // namespace hookcore::copy
