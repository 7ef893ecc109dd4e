// The walk itself: cost, threads, depth, hostile trees.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/explain.h"
#include "libhookcore/ignore/matcher.h"
#include "libhookcore/ignore/program.h"
#include "libhookcore/ignore/rules.h"
#include "tests/unit/ignore/scratch_tree.h"

namespace hookcore::ignore::testing {
namespace {

using Paths = std::set<std::string>;

RuleSet rules_of(const std::string& file) { return parse_dockerignore(file, ".dockerignore"); }

uint64_t steps(const std::string& pattern, const std::string& name, size_t table_bytes) {
  const RuleSet rules = rules_of(pattern);
  const Matcher matcher(rules.program().automaton, rules.program().patterns(), table_bytes);
  Matcher::Scratch scratch;
  matcher.run(matcher.start(), name, scratch);
  return matcher.steps();
}

TEST(Matcher, NoPatternIsSlow) {
  const std::string name(200, 'a');
  for (const char* unit : {"*a", "**", "?*", "*[ab]", "**/", "a**"}) {
    std::string pattern;
    for (int i = 0; i < 40; ++i) pattern += unit;
    pattern += "b*";
    // Without a table each character costs at most one step a position.
    EXPECT_LE(steps(pattern, name, 0), name.size() * (pattern.size() + 4)) << unit;
    // With one each new state costs as much, and there are at most as many as characters.
    EXPECT_LE(steps(pattern, name, size_t{1} << 20), name.size() * (pattern.size() + 4)) << unit;
  }
}

TEST(Matcher, TableIsBoundedAndChangesNothing) {
  std::string file = "**/*a?a?a?a?a?a*b\n!**/*b?b?b?b*a\n";
  const RuleSet rules = rules_of(file);
  const Matcher small(rules.program().automaton, rules.program().patterns(), 2048);
  const Matcher large(rules.program().automaton, rules.program().patterns());
  Matcher::Scratch one;
  Matcher::Scratch two;
  for (unsigned bits = 0; bits < 4096; ++bits) {
    std::string name;
    for (unsigned i = 0; i < 12; ++i) name += (bits >> i & 1U) != 0 ? 'a' : 'b';
    const bool expected = large.accepted(large.run(large.start(), name, one)) != nullptr;
    EXPECT_EQ(expected, small.accepted(small.run(small.start(), name, two)) != nullptr) << name;
  }
}

TEST(Walk, ThreadsAgree) {
  std::vector<std::string> entries;
  for (int i = 0; i < 40; ++i) {
    for (int k = 0; k < 20; ++k) {
      const std::string base = "d" + std::to_string(i) + "/e" + std::to_string(k) + "/";
      entries.insert(entries.end(), {base + "x.log", base + "keep.py", base + "f/g/x.log",
                                     base + "node_modules/m/index.js"});
    }
  }
  const ScratchTree tree(entries);
  for (const char* file : {"**/*.log\n**/node_modules", "**\n!**/keep.py", "**\n!**/f/g"}) {
    const RuleSet rules = rules_of(file);
    const Paths alone = masks_of(tree.fd(), rules, nullptr, 1);
    EXPECT_GE(alone.size(), 800U);
    for (int again = 0; again < 20; ++again) {
      ASSERT_EQ(alone, masks_of(tree.fd(), rules, nullptr, 4)) << file;
    }
  }
}

class Thrower : public MaskSink {
  void mask(const SourceDirectory&, std::string_view, EntryType) override {
    throw std::runtime_error("no space");
  }
};

TEST(Walk, SinkExceptionsEndIt) {
  std::vector<std::string> entries;
  entries.reserve(300);
  for (int i = 0; i < 300; ++i) entries.push_back("d" + std::to_string(i) + "/e/x");
  const ScratchTree tree(entries);
  Thrower sink;
  EXPECT_THROW(find_masks(tree.fd(), rules_of("**/x"), sink), std::runtime_error);
  EXPECT_THROW(find_masks(tree.fd(), rules_of("**\n!**/z\n!d0"), sink), std::runtime_error);
}

TEST(Walk, ManyHiddenFilesOfAnExcludedDirectory) {
  std::vector<std::string> entries = {"d/sub/no", "d/zz/keep"};
  for (int i = 0; i < 3000; ++i)
    entries.push_back("d/" + std::string(100, 'f') + std::to_string(i));
  const ScratchTree tree(entries);
  const Paths masks = masks_of(tree.fd(), rules_of("d\n!**/keep"));
  EXPECT_EQ(3001U, masks.size());
  EXPECT_TRUE(masks.contains("d/sub/"));
  EXPECT_EQ((Paths{"d/"}), masks_of(tree.fd(), rules_of("d\n!**/other")));
}

// A tree deeper than there are descriptors, and than PATH_MAX.
TEST(Walk, DeeperThanDescriptors) {
  constexpr int kDepth = 1500;
  const ScratchTree tree;
  sys::UniqueFd at(::dup(tree.fd()));
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(0, ::mkdirat(at.get(), "dir", 0755));
    ASSERT_EQ(0, ::mkdirat(at.get(), "x", 0755));
    at.reset(::openat(at.get(), "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  struct ::rlimit limit = {};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &limit));
  struct ::rlimit low = {.rlim_cur = 256, .rlim_max = limit.rlim_max};
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &low));
  EXPECT_EQ(static_cast<size_t>(kDepth), masks_of(tree.fd(), rules_of("**/x")).size());
  EXPECT_EQ(1U, masks_of(tree.fd(), rules_of("**\n!**/nothing/y\n!*[z]")).size() - 1);
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &limit));
}

TEST(Walk, LinksAreLeaves) {
  const ScratchTree tree({"real/x"});
  ASSERT_EQ(0, ::symlinkat("real", tree.fd(), "link"));
  ASSERT_EQ(0, ::symlinkat(".", tree.fd(), "loop"));
  EXPECT_EQ((Paths{"real/x"}), masks_of(tree.fd(), rules_of("**/x")));
  EXPECT_EQ((Paths{}), masks_of(tree.fd(), rules_of("link/x\nloop/real/x")));
  EXPECT_EQ((Paths{"link"}), masks_of(tree.fd(), rules_of("link")));
}

TEST(Walk, UnreadableDirectories) {
  if (::geteuid() == 0) {
    ASSERT_EQ(0, ::seteuid(65534));
  }
  const ScratchTree tree({"a/b", "c/x"});
  ASSERT_EQ(0, ::fchmodat(tree.fd(), "a", 0, 0));
  const auto expect_refused = [&] {
    try {
      masks_of(tree.fd(), rules_of("**/x"));
      ADD_FAILURE() << "not refused";
    } catch (const Error& error) {
      EXPECT_EQ(Code::kSource, error.code());
      EXPECT_NE(std::string::npos, error.line().find("\"a\"")) << error.line();
    }
  };
  expect_refused();
  EXPECT_EQ((Paths{"a/", "c/"}), masks_of(tree.fd(), rules_of("**\n!**/y")));  // rule 29
  EXPECT_EQ((Paths{"c/x"}), masks_of(tree.fd(), rules_of("c/x")));
  ASSERT_EQ(0, ::fchmodat(tree.fd(), "a", 0755, 0));
  if (::getuid() == 0) {
    ASSERT_EQ(0, ::seteuid(0));
  }
}

// Its names can be read, but not be looked up: whoever may will see what stands there.
TEST(Walk, DirectoriesThatMayNotBeSearched) {
  if (::geteuid() == 0) {
    ASSERT_EQ(0, ::seteuid(65534));
  }
  const ScratchTree tree({"a/b", "c/x"});
  ASSERT_EQ(0, ::fchmodat(tree.fd(), "a", 0444, 0));
  EXPECT_THROW(masks_of(tree.fd(), rules_of("a/b")), Error);
  EXPECT_EQ((Paths{"a/", "c/"}), masks_of(tree.fd(), rules_of("*\n!a/z")));  // rule 29
  ASSERT_EQ(0, ::fchmodat(tree.fd(), "a", 0755, 0));
  if (::getuid() == 0) {
    ASSERT_EQ(0, ::seteuid(0));
  }
}

TEST(Stats, CountsByRuleAndHints) {
  const ScratchTree tree({"node_modules/a/b", "src/node_modules/x", "x.log", "y"});
  const Stats stats = collect_stats(tree.fd(), rules_of("node_modules\n*.log\nnothing\n!x.log\n"));
  ASSERT_EQ(4U, stats.rules.size());
  EXPECT_EQ(1U, stats.rules[0].masks);
  EXPECT_EQ(3U, stats.rules[0].masked_entries);
  EXPECT_EQ(1U, stats.rules[1].matched);
  EXPECT_EQ(0U, stats.rules[1].masked_entries);
  EXPECT_EQ(0U, stats.rules[2].matched);
  EXPECT_EQ(5U, stats.visible_entries);
  EXPECT_EQ(3U, stats.masked_entries);
  ASSERT_EQ(1U, stats.hints.size());
  EXPECT_EQ(
      "\".dockerignore\":1: \"node_modules\" matches at the root only; 1 more visible below, "
      "such as \"src/node_modules\": write \"**/node_modules\" if they are meant too",
      stats.hints[0]);
}

TEST(Explain, NamesTheRuleAndTheOneItOverrides) {
  const ScratchTree tree({"n/keep/f", "n/z"});
  const RuleSet rules = rules_of("n\n!n/keep\n");
  const Explanation keep = explain(tree.fd(), rules, "./n//keep/f");
  EXPECT_FALSE(keep.hidden);
  EXPECT_EQ(1U, keep.rule);
  EXPECT_EQ(0U, keep.overridden);
  EXPECT_EQ("n/keep", keep.decided_at);
  const Explanation gone = explain(tree.fd(), rules, "n/none");
  EXPECT_TRUE(gone.hidden);
  EXPECT_FALSE(gone.exists);
  EXPECT_EQ("n", gone.decided_at);
  EXPECT_TRUE(explain(tree.fd(), rules, "n").visible_for_content);
  EXPECT_FALSE(explain(tree.fd(), rules, "other").rule.has_value());
  EXPECT_THROW(explain(tree.fd(), rules, "../x"), Error);
}

}  // namespace
}  // namespace hookcore::ignore::testing
