// Mounted masks against the engine's own list: what it lists is listed and found through the
// overlay, what it hides is neither, over the corpus and over random rules and trees. Of the corpus
// every eighth case; OCI_CNB_STEP=1 takes them all, which is minutes of mounting.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/sys/directory.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "tests/unit/ignore/corpus.h"
#include "tests/unit/ignore/random_case.h"
#include "tests/unit/ignore/scratch_tree.h"
#include "tests/unit/support/sandbox.h"

namespace hookcore::overlay {
namespace {

using ignore::testing::CorpusCase;
using ignore::testing::ScratchTree;
using sandbox::As;
using Paths = std::set<std::string>;

/// What readdir shows below a directory, as find(1) does; directories end in '/'.
void find_all(int dirfd, const std::string& prefix, Paths& paths) {
  sys::DirectoryReader reader;
  reader.start(dirfd);
  sys::DirectoryReader::Entry entry;
  while (reader.next(entry)) {
    const std::string name(entry.name);
    if (entry.type != DT_DIR) {
      EXPECT_TRUE(paths.insert(prefix + name).second) << prefix + name << " twice";
      continue;
    }
    EXPECT_TRUE(paths.insert(prefix + name + "/").second) << prefix + name << " twice";
    const sys::UniqueFd below(sys::open_directory_at(dirfd, name.c_str()));
    ASSERT_TRUE(below) << prefix + name;
    find_all(below.get(), prefix + name + "/", paths);
  }
}

Paths find_all(int dirfd) {
  Paths paths;
  const sys::UniqueFd root(sys::open_directory_at(dirfd, "."));
  find_all(root.get(), "", paths);
  return paths;
}

std::optional<ignore::RuleSet> rules_of(const std::string& text) {
  try {
    return ignore::parse_dockerignore(text, ".dockerignore");
  } catch (const Error&) {
    return std::nullopt;  // refused files are test_ignore's
  }
}

class HiddenNamesTest : public ::testing::TestWithParam<As> {
 protected:
  /// Mounts the masks over the tree and compares. A fresh mount has looked nothing up yet: lookups
  /// come first on one, listings first on another.
  void check(const ScratchTree& tree, const ignore::RuleSet& rules, const std::string& name) {
    SCOPED_TRACE(name);
    const auto api = sys::make_new_mount_api();
    const sys::UniqueFd root =
        sys::open_at(AT_FDCWD, tree.path(), O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
    const sys::UniqueFd source = clone_source(*api, root.get());
    const Paths visible = ignore::testing::visible_of(source.get(), rules);
    const Paths masks = ignore::testing::masks_of(source.get(), rules);
    const WorkspacePlan plan{rules, GetParam() != As::kRoot, {}};
    {
      const Workspace workspace = assemble(*api, plan, source.get(), -1);
      EXPECT_EQ(masks.size(), workspace.masks);
      EXPECT_EQ(visible, find_all(workspace.mount.get()));
      expect_lookups(workspace.mount.get(), find_all(source.get()), visible);
    }
    const Workspace workspace = assemble(*api, plan, source.get(), -1);
    expect_lookups(workspace.mount.get(), masks, {});
    expect_lookups(workspace.mount.get(), visible, visible);
    ++checked_;
    masked_ += masks.size();
  }

  /// Of all paths exactly those in visible are there.
  static void expect_lookups(int dirfd, const Paths& all, const Paths& visible) {
    for (const std::string& path : all) {
      const bool directory = path.ends_with('/');
      const auto status = sys::stat_at(dirfd, directory ? path.substr(0, path.size() - 1) : path);
      EXPECT_EQ(visible.contains(path), status.has_value()) << quote(path);
      if (!status) continue;
      EXPECT_EQ(directory, S_ISDIR(status->st_mode)) << quote(path);
    }
  }

  size_t checked_ = 0;
  size_t masked_ = 0;
};

TEST_P(HiddenNamesTest, OfTheCorpus) {
  const auto directory = ignore::testing::corpus_directory();
  if (!directory) {
    if (std::getenv("CI") != nullptr) FAIL() << "no corpus: set OCI_CNB_CORPUS";
    GTEST_SKIP() << "NO CORPUS, NOTHING TESTED: set OCI_CNB_CORPUS to its directory";
  }
  sandbox::run(GetParam(), [&](const sandbox::Place&) {
    const unsigned long step = ignore::testing::from_environment("OCI_CNB_STEP", 8);
    std::map<std::string, ScratchTree> trees;
    size_t number = 0;
    for (const char* part : {"real", "synthetic"}) {
      for (const CorpusCase& one : ignore::testing::read_corpus(*directory, part)) {
        const auto rules = rules_of(one.ignore);
        if (!rules || number++ % step != 0) continue;
        const std::string key = one.tree.empty() ? one.name : one.tree;
        check(trees.try_emplace(key, one.entries).first->second, *rules, one.name);
        if (one.tree.empty()) trees.erase(key);
      }
    }
    std::printf("%zu workspaces with %zu masks\n", checked_, masked_);
    EXPECT_GT(checked_, 2000U / step);
  });
}

TEST_P(HiddenNamesTest, OfRandomRulesAndTrees) {
  const unsigned long seed = ignore::testing::from_environment("OCI_CNB_SEED", 20240901);
  const unsigned long cases = ignore::testing::from_environment("OCI_CNB_CASES", 500);
  sandbox::run(GetParam(), [&](const sandbox::Place&) {
    for (unsigned long i = 0; i < cases && !HasFailure(); ++i) {
      ignore::testing::RandomCase random(seed + i);
      const Paths entries = random.tree();
      const std::string file = random.file();
      const auto rules = rules_of(file);
      if (!rules) continue;
      check(ScratchTree({entries.begin(), entries.end()}), *rules,
            "OCI_CNB_SEED=" + std::to_string(seed + i) + " OCI_CNB_CASES=1, " + quote(file, 4096));
    }
    EXPECT_TRUE(cases == 1 || masked_ > cases / 4) << "rules that hide next to nothing";
  });
}

INSTANTIATE_TEST_SUITE_P(As, HiddenNamesTest, ::testing::Values(As::kRoot, As::kUser),
                         sandbox::name_of);

}  // namespace
}  // namespace hookcore::overlay
