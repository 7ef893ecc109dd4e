// The rules of .dockerignore by number (see dockerignore.cpp), and what is refused.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "libhookcore/ignore/rules.h"
#include "tests/unit/ignore/scratch_tree.h"
#include "tests/unit/support/expect_error.h"

namespace hookcore::ignore::testing {
namespace {

using Paths = std::set<std::string>;

Paths masks(const std::string& file, const std::vector<std::string>& entries,
            WalkStats* stats = nullptr) {
  const ScratchTree tree(entries);
  return masks_of(tree.fd(), parse_dockerignore(file, ".dockerignore"), stats);
}

TEST(Dockerignore, ReadsLines) {
  EXPECT_EQ((Paths{"a", "b"}), masks("\xEF\xBB\xBF"
                                     "a\r\n#c\n  b\t\xC2\xA0\n\n",
                                     {"a", "b", "#c"}));
  EXPECT_EQ((Paths{"#c"}), masks(" #c", {"#c", "c"}));
  EXPECT_EQ((Paths{"a # x"}), masks("a # x", {"a", "a # x"}));
  EXPECT_EQ((Paths{"a"}), masks("x/../a/.//", {"a", "x/a"}));
  EXPECT_EQ((Paths{}), masks("/\n.\n..\n../a\n", {"a", "b/a"}));
  EXPECT_EQ((Paths{"a"}), masks("*\n! b\n./!c", {"a", "b", "c"}));
  EXPECT_EQ((Paths{"!a"}), masks("\\!a", {"!a", "a"}));
  EXPECT_EQ((Paths{"b"}), masks("*\n!!a", {"!a", "b"}));
}

TEST(Dockerignore, DoubleStars) {
  const std::vector<std::string> tree = {"x", "ax", "d/x", "d/ax", "d/e/x", "d/xe"};
  EXPECT_EQ((Paths{"x", "d/x", "d/e/x"}), masks("**/x", tree));
  EXPECT_EQ((Paths{"x", "ax", "d/x", "d/ax", "d/e/x"}), masks("**x", tree));
  EXPECT_EQ((Paths{"d/x", "d/e/x"}), masks("d/**/x", tree));
  EXPECT_EQ((Paths{"d/x", "d/ax", "d/e/", "d/xe"}), masks("d/**", tree));
  EXPECT_EQ((Paths{"d/"}), masks("d**", tree));
  EXPECT_EQ((Paths{"ax"}), masks("a**x", {"ax", "ayx", "b/ax"}));
  EXPECT_EQ((Paths{"ab/c/x"}), masks("a**x", {"ab/c/x", "ab/yx"}));
}

TEST(Dockerignore, CharactersAreCodePoints) {
  EXPECT_EQ((Paths{"a\xC3\xA9"}), masks("a?", {"a\xC3\xA9", "a\xC3\xA9z"}));
  EXPECT_EQ((Paths{"a\xFF"}), masks("a?", {"a\xFF", "a\xFF\xFE"}));
  EXPECT_EQ((Paths{"a\xFF"}), masks("a\xFF", {"a\xFF", "a\xFE"}));
  EXPECT_EQ((Paths{"a\xFE"
                   "b",
                   "a\xFF"}),
            masks("a\xEF\xBF\xBD*", {"a\xFF",
                                     "a\xFE"
                                     "b",
                                     "ab"}));
  EXPECT_EQ((Paths{"a\nb"}), masks("a*b", {"a\nb", "ab\n"}));
}

TEST(Dockerignore, Classes) {
  EXPECT_EQ((Paths{"!", "a"}), masks("[!a]", {"!", "a", "b"}));
  EXPECT_EQ((Paths{"d/b"}), masks("d[^x]b", {"d/b", "dxb"}));
  EXPECT_EQ((Paths{"]", "-"}), masks("[\\]\\-]", {"]", "-", "a"}));
  EXPECT_EQ((Paths{"*", "?"}), masks("[*?]", {"*", "?", "a"}));
  EXPECT_EQ((Paths{"b"}), masks("[a-c]", {"b", "d"}));
}

TEST(Dockerignore, LeaksOfRegularExpressionsAreLiterals) {
  EXPECT_EQ((Paths{"a|b"}), masks("a|b*", {"a|b", "a", "b"}));
  EXPECT_EQ((Paths{"a{2}"}), masks("a{2}*", {"a{2}", "aa"}));
  EXPECT_EQ((Paths{"^a"}), masks("^a*", {"^a", "a"}));
}

TEST(Dockerignore, HitsAreInheritedOnlyWhereEvaluated) {
  // Rule 24: what was skipped at the directory doesn't count below it.
  EXPECT_EQ((Paths{"a/b"}), masks("a/b\n!a", {"a/b", "a/c"}));
  EXPECT_EQ((Paths{"storage/db"}),
            masks("/storage/*\n!/storage/\n!/storage/.keep", {"storage/db", "storage/.keep"}));
  EXPECT_EQ((Paths{"node_modules/z"}),
            masks("node_modules\n!node_modules/keep", {"node_modules/keep/a", "node_modules/z"}));
}

TEST(Dockerignore, PruningIsObservable) {
  EXPECT_EQ((Paths{"a/"}), masks("a\n!a/*/**", {"a/x/y"}));  // rule 25
  EXPECT_EQ((Paths{"b"}), masks("*\n!**/*.py", {"a/b.py", "b"}));
}

TEST(Dockerignore, DirectoriesWithNothingVisibleAreOneMask) {
  EXPECT_EQ((Paths{"a/", "b"}), masks("*\n!a/x/y", {"a/x/z", "a/w", "b"}));
  EXPECT_EQ((Paths{"b"}), masks("*\n!d", {"d/", "b"}));
  EXPECT_EQ((Paths{"d/"}), masks("*\n!d/**", {"d/"}));
}

TEST(Dockerignore, AnchoredNamesCostLookups) {
  WalkStats stats;
  EXPECT_EQ(
      (Paths{"a/b", "node_modules/"}),
      masks("node_modules\na/b\nnot/there", {"a/b", "a/c", "d/e/f", "node_modules/x"}, &stats));
  EXPECT_EQ(0U, stats.directories_read);
  EXPECT_EQ(4U, stats.lookups);
}

TEST(Dockerignore, ExcludedDirectoriesAreNotOpened) {
  WalkStats stats;
  // "keep" is hit by the last rule, which holds for all below: nothing to look for there.
  EXPECT_EQ((Paths{"n/", "x/"}),
            masks("**/n\n*\n!keep", {"n/a/b", "n/c/d", "x/y", "keep/u/v", "keep/n/w"}, &stats));
  EXPECT_EQ(1U, stats.directories_read);
}

TEST(Dockerignore, Refuses) {
  const auto expect_refused = [](const std::string& file, const std::string& line) {
    expect_error(Code::kIgnoreFile, line, [&] { parse_dockerignore(file, ".dockerignore"); });
  };
  expect_refused(
      "a\n!\n",
      "ignore-file: \"!\" without a pattern, in \"!\"; \".dockerignore\":2; name what to "
      "bring back, or delete it");
  expect_refused("[ab",
                 "ignore-file: bad pattern \"[ab\": a class [...] that isn't closed; "
                 "\".dockerignore\":1; add the ], or write \\[ for a bracket");
  expect_refused("[]a]",
                 "ignore-file: bad pattern \"[]a]\": a class [...] is empty or ends in \"-\"; "
                 "\".dockerignore\":1; write a literal ] as \\]");
  expect_refused("[a-b-c]",
                 "ignore-file: bad pattern \"[a-b-c]\": a \"-\" in [...] without two ends; "
                 "\".dockerignore\":1; write a literal - as \\-");
  expect_refused("x\n\n[z-a]",
                 "ignore-file: bad pattern \"[z-a]\": a range in [...] runs backwards; "
                 "\".dockerignore\":3; swap its ends");
  expect_refused("dist\\css",
                 "ignore-file: bad pattern \"dist\\\\css\": a backslash before a letter or digit; "
                 "\".dockerignore\":1; use / between directories, and \\\\ for a backslash");
  expect_refused("a\\",
                 "ignore-file: bad pattern \"a\\\\\": a backslash with nothing behind it; "
                 "\".dockerignore\":1; write \\\\ for a backslash");
  expect_refused(std::string(65536, 'a'),
                 "ignore-file: a line longer than 65535 bytes; \".dockerignore\":1; docker build "
                 "refuses it too: split it");
}

}  // namespace
}  // namespace hookcore::ignore::testing
