// Random rules on random trees: the engine against the reference, on real directories. The seed is
// printed with a failure; OCI_CNB_SEED and OCI_CNB_CASES repeat or lengthen a run.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/explain.h"
#include "libhookcore/ignore/rules.h"
#include "tests/unit/ignore/random_case.h"
#include "tests/unit/ignore/reference.h"
#include "tests/unit/ignore/scratch_tree.h"

namespace hookcore::ignore::testing {
namespace {

class Property : public ::testing::Test {
 protected:
  static bool disagree(const std::string& file, const std::set<std::string>& entries) {
    std::vector<reference::Pattern> patterns;
    const bool accepted = reference::parse(file, patterns);
    std::optional<RuleSet> rules;
    try {
      rules = parse_dockerignore(file, ".dockerignore");
    } catch (const Error&) {
    }
    EXPECT_EQ(accepted, rules.has_value());
    if (!accepted || !rules) return ::testing::Test::HasFailure();
    const reference::Result expected = reference::walk(patterns, entries);
    const ScratchTree tree({entries.begin(), entries.end()});
    EXPECT_EQ(expected.masks, masks_of(tree.fd(), *rules));
    EXPECT_EQ(expected.visible, visible_of(tree.fd(), *rules));
    for (const std::string& entry : entries) {
      const Explanation explanation = explain(tree.fd(), *rules, entry);
      EXPECT_EQ(expected.visible.contains(entry), !explanation.hidden) << quote(entry);
      EXPECT_TRUE(explanation.exists) << quote(entry);
    }
    return ::testing::Test::HasFailure();
  }
};

TEST_F(Property, EngineAgreesWithReference) {
  const unsigned long seed = from_environment("OCI_CNB_SEED", 20240611);
  const unsigned long cases = from_environment("OCI_CNB_CASES", 3000);
  for (unsigned long i = 0; i < cases; ++i) {
    RandomCase random(seed + i);
    const std::set<std::string> entries = random.tree();
    const std::string file = random.file();
    if (disagree(file, entries)) {
      FAIL() << "OCI_CNB_SEED=" << seed + i << " OCI_CNB_CASES=1, rules " << quote(file, 4096);
    }
  }
}

}  // namespace
}  // namespace hookcore::ignore::testing
