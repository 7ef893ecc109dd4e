#include "libhookcore/overlay/diff.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/unit/overlay/bench.h"

namespace hookcore::overlay {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;

/// "A path", with what is special behind it.
std::vector<std::string> changes(const Bench& bench) {
  const sys::UniqueFd upper = bench.open("scratch/upper");
  std::vector<std::string> out;
  for (const Change& change :
       find_changes({upper.get(), bench.workspace().mask.get(), bench.source()})) {
    std::string line{"AMD"[static_cast<size_t>(change.kind)]};
    line += " " + change.path;
    if (change.type == Change::Type::kDirectory) line += "/";
    if (change.type != change.old_type) line += " retyped";
    if (change.below > 0) line += " " + std::to_string(change.below);
    out.push_back(line);
  }
  return out;
}

using Lines = std::vector<std::string>;

class DiffTest : public ::testing::TestWithParam<As> {
 protected:
  /// Makes the source, mounts, runs a shell script in the workspace, and compares.
  void expect(const Lines& source, const std::string& rules, const std::string& script,
              const Lines& expected) {
    sandbox::run(GetParam(), [&](const Place& place) {
      Bench bench(place);
      tree::make(bench.path("source"), source);
      const auto before = tree::snapshot(bench.path("source"));
      bench.mount(rules);
      const std::string command = "cd '" + bench.path("workspace") + "' && " + script;
      ASSERT_EQ(0, std::system(command.c_str())) << script;
      EXPECT_EQ(expected, changes(bench)) << script;
      EXPECT_EQ(before, tree::snapshot(bench.path("source")));
    });
  }
};

TEST_P(DiffTest, NothingDoneIsNothing) {
  expect({"a", "d/b", "d/drop"}, "**/drop\n", "find . -type f -exec cat {} + >/dev/null", {});
}

TEST_P(DiffTest, AddedModifiedDeleted) {
  expect({"keep", "change=1", "gone", "d/change=1", "d/gone", "dir/a/b"}, "",
         "echo 2 > change; rm gone; echo 2 > d/change; rm d/gone; rm -r dir; echo x > new; "
         "mkdir n; echo x > n/1; mkdir n/m; echo x > n/m/2",
         {"M change", "M d/change", "D d/gone", "D dir/", "D gone", "A n/ 3", "A new"});
}

TEST_P(DiffTest, TouchingOrRewritingTheSameIsNoChange) {
  expect({"a=same", "b=same", "c=same"}, "", "touch a; printf same > b; chmod 600 c; chmod 644 c",
         {});
}

TEST_P(DiffTest, ModesCountForFilesAndDirectories) {
  expect({"file=x", "dir/file=x"}, "", "chmod 755 file; chmod 711 dir", {"M dir/", "M file"});
}

TEST_P(DiffTest, SameSizeOtherContents) {
  expect({"a=12345", "b=12345"}, "", "printf 12354 > a; printf 54321 > b; printf 12345 > b",
         {"M a"});
}

TEST_P(DiffTest, WhatWasMaskedWasNeverThere) {
  expect({"node_modules/old/x", "secret=1", "d/secret=1", "d/keep"}, "node_modules\n**/secret\n",
         "mkdir node_modules; echo n > node_modules/new; echo 2 > secret; echo 3 > d/secret; "
         "rm d/secret; echo 4 > d/other",
         {"A d/other", "A node_modules/ 1", "A secret"});
}

TEST_P(DiffTest, ADirectoryMadeAnew) {
  expect({"d/same=x", "d/other=x", "d/gone", "d/sub/gone", "d/hidden"}, "d/hidden\n",
         "rm -r d; mkdir d; printf x > d/same; echo y > d/other; echo z > d/new",
         {"D d/gone", "A d/new", "M d/other", "D d/sub/"});
}

TEST_P(DiffTest, TypesChange) {
  expect({"file=x", "dir/x", "link->file", "other->file"}, "",
         "rm file; mkdir file; rm -r dir; echo x > dir; rm link; echo x > link; "
         "ln -sfn elsewhere other",
         {"M dir retyped", "M file/ retyped", "M link retyped", "M other"});
}

TEST_P(DiffTest, NamesAreBytesAndSorted) {
  expect({"b\nb", "\xff"}, "", "rm 'b\nb'; echo > a-new; mkfifo \"$(printf '\\376')\"; rm \xff",
         {"A a-new", "D b\nb", "A \xfe", "D \xff"});
}

TEST_P(DiffTest, UnreadableAndDeepDirectories) {
  expect({"closed/file=x", "d/file"}, "",
         "echo y > closed/new; chmod 0 closed; p=deep; for i in $(seq 30); do "
         "p=$p/ddddddddddddddddddddddddddddddddddddddddddddddddddddddd; done; mkdir -p $p; "
         "mkdir -p d/one/two; rm -r d/one",
         {"M closed/", "A closed/new", "A deep/ 30"});
}

TEST_P(DiffTest, RenamedFilesAreGoneAndNew) {
  expect({"a=x", "d/b=y"}, "", "mv a d/a; mv d/b b", {"D a", "A b", "A d/a", "D d/b"});
}

INSTANTIATE_TEST_SUITE_P(As, DiffTest, ::testing::Values(As::kRoot, As::kUser), sandbox::name_of);

}  // namespace
}  // namespace hookcore::overlay
