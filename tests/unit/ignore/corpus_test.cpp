// Every case of the corpus: what the engine shows, masks and refuses is what BuildKit showed,
// masked and refused, on real directories.
#include "tests/unit/ignore/corpus.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/rules.h"
#include "tests/unit/ignore/scratch_tree.h"

namespace hookcore::ignore::testing {
namespace {

class Corpus : public ::testing::TestWithParam<const char*> {
 protected:
  // The tree of a case; those that several cases share are made once.
  const ScratchTree& tree_of(const CorpusCase& one) {
    auto& slot = one.tree.empty() ? single_ : shared_[one.tree];
    if (one.tree.empty() || !slot) slot = std::make_unique<ScratchTree>(one.entries);
    return *slot;
  }

  void check(const CorpusCase& one) {
    SCOPED_TRACE(one.name);
    std::optional<RuleSet> rules;
    try {
      rules = parse_dockerignore(one.ignore, ".dockerignore");
    } catch (const Error& error) {
      EXPECT_EQ(Code::kIgnoreFile, error.code());
      // Refused here although no path of BuildKit's reached it: only a reversed range.
      const bool reversed = std::string(error.what()).find("backwards") != std::string::npos;
      EXPECT_TRUE(!one.error_stage.empty() || reversed) << error.line();
      ++refused_;
      return;
    }
    EXPECT_TRUE(one.error_stage.empty()) << "not refused";
    const ScratchTree& tree = tree_of(one);
    const std::set<std::string> visible(one.visible.begin(), one.visible.end());
    const std::set<std::string> whiteouts(one.whiteouts.begin(), one.whiteouts.end());
    WalkStats stats;
    EXPECT_EQ(whiteouts, masks_of(tree.fd(), *rules, &stats));
    EXPECT_EQ(visible, visible_of(tree.fd(), *rules));
    directories_read_ += stats.directories_read;
    directories_ += 1;
    for (const std::string& entry : one.entries) directories_ += entry.ends_with('/') ? 1 : 0;
  }

  std::map<std::string, std::unique_ptr<ScratchTree>> shared_;
  std::unique_ptr<ScratchTree> single_;
  size_t refused_ = 0;
  uint64_t directories_ = 0;
  uint64_t directories_read_ = 0;
};

TEST_P(Corpus, IsWhatBuildKitMakesOfIt) {
  const auto directory = corpus_directory();
  if (!directory) {
    if (std::getenv("CI") != nullptr) FAIL() << "no corpus: set OCI_CNB_CORPUS";
    GTEST_SKIP() << "NO CORPUS, NOTHING TESTED: set OCI_CNB_CORPUS to its directory";
  }
  size_t checked = 0;
  for (const CorpusCase& one : read_corpus(*directory, GetParam())) {
    if (one.has_flag("regexp-leak")) continue;  // accidents of BuildKit that aren't ours
    check(one);
    ++checked;
  }
  EXPECT_GT(checked, 900U);
  std::printf("%s: %zu cases, %zu refused, %llu of %llu directories read (%.1f %%)\n", GetParam(),
              checked, refused_, static_cast<unsigned long long>(directories_read_),
              static_cast<unsigned long long>(directories_),
              100.0 * static_cast<double>(directories_read_) / static_cast<double>(directories_));
}

INSTANTIATE_TEST_SUITE_P(, Corpus, ::testing::Values("real", "synthetic"));

}  // namespace
}  // namespace hookcore::ignore::testing
