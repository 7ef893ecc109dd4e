// Which files are copied: the corpus, by what BuildKit itself made of it (every 24th case;
// OCI_CNB_STEP=1 takes them all), and random rules on random trees, by the slow reference.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <set>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/copy/copy.h"
#include "libhookcore/sys/file.h"
#include "tests/unit/ignore/corpus.h"
#include "tests/unit/ignore/random_case.h"
#include "tests/unit/ignore/reference.h"
#include "tests/unit/ignore/scratch_tree.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::copy {
namespace {

using ignore::testing::CorpusCase;
using ignore::testing::ScratchTree;
using Paths = std::set<std::string>;

std::optional<ignore::RuleSet> rules_of(const std::string& text) {
  try {
    return ignore::parse_dockerignore(text, ".dockerignore");
  } catch (const Error&) {
    return std::nullopt;  // refused files are test_ignore's
  }
}

void find_all(const std::string& root, const std::string& below, Paths& paths) {
  for (const std::string& name : tree::names(root + "/" + below)) {
    struct ::stat status {};
    const std::string path = below + name;
    ASSERT_EQ(0, ::lstat(std::string(root).append("/").append(path).c_str(), &status));
    const bool directory = S_ISDIR(status.st_mode);
    paths.insert(directory ? path + "/" : path);
    if (directory) find_all(root, path + "/", paths);
  }
}

Paths copied(const ScratchTree& source, const ignore::RuleSet& rules) {
  const ScratchTree place;
  Options options;
  options.threads = 2;
  const Result result = make_copy(source.fd(), rules, place.fd(), "copy", options);
  Paths paths;
  find_all(place.path() + "/copy", "", paths);
  EXPECT_EQ(paths.size(), result.entries);
  return paths;
}

TEST(VisibleFiles, OfTheCorpus) {
  const auto directory = ignore::testing::corpus_directory();
  if (!directory) {
    if (std::getenv("CI") != nullptr) FAIL() << "no corpus: set OCI_CNB_CORPUS";
    GTEST_SKIP() << "NO CORPUS, NOTHING TESTED: set OCI_CNB_CORPUS to its directory";
  }
  const unsigned long step = ignore::testing::from_environment("OCI_CNB_STEP", 24);
  size_t compared = 0;
  for (const char* name : {"real", "synthetic"}) {
    const std::vector<CorpusCase> cases = ignore::testing::read_corpus(*directory, name);
    for (size_t i = 0; i < cases.size(); i += step) {
      const auto rules = rules_of(cases[i].ignore);
      if (!rules || !cases[i].error_stage.empty()) continue;
      if (cases[i].has_flag("regexp-leak")) continue;  // accidents of BuildKit that aren't ours
      const ScratchTree source(cases[i].entries);
      EXPECT_EQ(Paths(cases[i].visible.begin(), cases[i].visible.end()), copied(source, *rules))
          << cases[i].name;
      ++compared;
    }
  }
  EXPECT_GT(compared, 80U);
}

TEST(VisibleFiles, OfRandomTrees) {
  const unsigned long seed = ignore::testing::from_environment("OCI_CNB_SEED", 77);
  const unsigned long cases = ignore::testing::from_environment("OCI_CNB_CASES", 400);
  for (unsigned long i = 0; i < cases; ++i) {
    ignore::testing::RandomCase random(seed + i);
    const Paths entries = random.tree();
    const std::string file = random.file();
    std::vector<ignore::reference::Pattern> patterns;
    const auto rules = rules_of(file);
    if (!rules || !ignore::reference::parse(file, patterns)) continue;
    const ScratchTree source({entries.begin(), entries.end()});
    EXPECT_EQ(ignore::reference::walk(patterns, entries).visible, copied(source, *rules));
    if (::testing::Test::HasFailure()) {
      FAIL() << "OCI_CNB_SEED=" << seed + i << " OCI_CNB_CASES=1, rules " << quote(file, 4096);
    }
  }
}

}  // namespace
}  // namespace hookcore::copy
