// Random rules on random trees: the engine against the reference, on real directories. The seed is
// printed with a failure; OCI_CNB_SEED and OCI_CNB_CASES repeat or lengthen a run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/explain.h"
#include "libhookcore/ignore/rules.h"
#include "tests/unit/ignore/reference.h"
#include "tests/unit/ignore/scratch_tree.h"

namespace hookcore::ignore::testing {
namespace {

unsigned long from_environment(const char* name, unsigned long otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoul(value, nullptr, 10) : otherwise;
}

class Generator {
 public:
  explicit Generator(unsigned long seed) : random_(seed) {}

  std::set<std::string> tree() {
    std::set<std::string> entries;
    fill(entries, "", 0);
    return entries;
  }

  std::string file() {
    std::string text;
    for (size_t i = 1 + pick(6); i > 0; --i) text += line() + "\n";
    return text;
  }

 private:
  size_t pick(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  bool chance(size_t percent) { return pick(100) < percent; }
  std::string one_of(const std::vector<const char*>& choices) {
    return choices[pick(choices.size())];
  }

  std::string name() {
    return one_of({"a",   "b", "c",    "ab",           "abc",   "a.md", "b.go",
                   ".x",  "é", "a\nb", "\xE9",         "a\xFF", "!a",   "#a",
                   "a b", "*", "[a]",  "\xEF\xBF\xBD", "a-b",   "日本"});
  }

  void fill(std::set<std::string>& entries, const std::string& parent, size_t depth) {
    for (size_t i = depth == 0 ? 1 + pick(5) : pick(4); i > 0; --i) {
      const std::string path = parent + name();
      if (entries.contains(path) || entries.contains(path + "/")) continue;
      const bool directory = depth < 4 && chance(55);
      entries.insert(path + (directory ? "/" : ""));
      if (directory) fill(entries, path + "/", depth + 1);
    }
  }

  std::string component() {
    if (chance(45)) return name();
    if (chance(30)) return "**";
    std::string text;
    for (size_t i = 1 + pick(3); i > 0; --i) {
      text += one_of({"*", "?", "a", "b", "**", "[ab]", "[^a]", "[a-c]", "\\*", "\\!", "é", ".",
                      "[^x]", "[\\]a]", "\xEF\xBF\xBD", "\\ ", "]", "[*-a]"});
    }
    return text;
  }

  std::string line() {
    std::string text = chance(35) ? "!" : "";
    if (chance(8)) text += one_of({"/", "./", " ", "!", "x/../", "#", "\xEF\xBB\xBF"});
    for (size_t i = 1 + pick(3); i > 0; --i) text += component() + (i > 1 ? "/" : "");
    if (chance(10)) text += one_of({"/", "/**", "/*", "/.", " ", "\r", "[", "\\", "[b-a]"});
    return text;
  }

  std::mt19937_64 random_;
};

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
    Generator generator(seed + i);
    const std::set<std::string> entries = generator.tree();
    const std::string file = generator.file();
    if (disagree(file, entries)) {
      FAIL() << "OCI_CNB_SEED=" << seed + i << " OCI_CNB_CASES=1, rules " << quote(file, 4096);
    }
  }
}

}  // namespace
}  // namespace hookcore::ignore::testing
