// Which file the rules come from, and files that aren't what they should be.
#include "libhookcore/ignore/rules.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <string>

#include "tests/unit/ignore/scratch_tree.h"
#include "tests/unit/support/expect_error.h"

namespace hookcore::ignore::testing {
namespace {

using Paths = std::set<std::string>;

TEST(Rules, AreLookedForInOrder) {
  ScratchTree tree({"a", "b", "node_modules/x", "d/target/x", "target/x"});
  EXPECT_EQ(RuleSource::kDefaultPolicy, load_rules(tree.fd(), {}).source());
  EXPECT_EQ((Paths{"node_modules/", "target/"}), masks_of(tree.fd(), load_rules(tree.fd(), {})));
  tree.write("project.toml", "[project]\nid = 'x'\n");
  EXPECT_EQ(RuleSource::kDefaultPolicy, load_rules(tree.fd(), {}).source());
  tree.write("project.toml", "[io.buildpacks]\nexclude = ['a']\n");
  EXPECT_EQ(RuleSource::kProjectTomlExclude, load_rules(tree.fd(), {}).source());
  tree.write(".gitignore", "b\n");
  tree.write(".dockerignore", "b\n");
  EXPECT_EQ(".dockerignore", load_rules(tree.fd(), {}).file());
  tree.write(".localdignore", "");
  const RuleSet rules = load_rules(tree.fd(), {});
  EXPECT_EQ(RuleSource::kLocaldignore, rules.source());
  EXPECT_TRUE(masks_of(tree.fd(), rules).empty());
  EXPECT_EQ(RuleSource::kExplicit, load_rules(tree.fd(), ".dockerignore").source());
  EXPECT_EQ(RuleSource::kProjectTomlExclude, load_rules(tree.fd(), "project.toml").source());
}

TEST(Rules, KnowWhereTheyStand) {
  const RuleSet rules = parse_dockerignore("# c\n\n /a/ \n!b\n", ".dockerignore");
  ASSERT_EQ(2U, rules.rules().size());
  EXPECT_EQ("/a/", rules.rules()[0].text);
  EXPECT_EQ(3U, rules.rules()[0].line);
  EXPECT_TRUE(rules.rules()[1].negated);
}

TEST(Rules, NamedFileMustExist) {
  const ScratchTree tree;
  expect_error(Code::kIgnoreFile,
               "ignore-file: the named ignore file doesn't exist; \"no\"; name a file relative to "
               "the source directory",
               [&] { load_rules(tree.fd(), "no"); });
}

TEST(Rules, RefusesWhatIsNoFile) {
  const ScratchTree tree({".dockerignore/"});
  const std::string refused =
      "ignore-file: an ignore file that isn't a regular file; \".dockerignore\"; replace or remove "
      "it";
  expect_error(Code::kIgnoreFile, refused, [&] { load_rules(tree.fd(), {}); });
  const ScratchTree fifo;
  ASSERT_EQ(0, ::mkfifoat(fifo.fd(), ".dockerignore", 0644));
  expect_error(Code::kIgnoreFile, refused, [&] { load_rules(fifo.fd(), {}); });
}

TEST(Rules, LinksStayInTheSource) {
  const ScratchTree outside;
  const ScratchTree tree({"a", "sub/"});
  const_cast<ScratchTree&>(outside).write("rules", "a\n");
  ASSERT_EQ(0, ::symlinkat((outside.path() + "/rules").c_str(), tree.fd(), ".dockerignore"));
  // The link's target is looked for below the source, where there is none.
  expect_error(Code::kIgnoreFile,
               "ignore-file: a link to nothing inside the source; \".dockerignore\"; replace it by "
               "the file that it means",
               [&] { load_rules(tree.fd(), {}); });
  const_cast<ScratchTree&>(tree).write("sub/rules", "a\n");
  ASSERT_EQ(0, ::symlinkat("/sub/rules", tree.fd(), ".localdignore"));
  EXPECT_EQ((Paths{"a"}), masks_of(tree.fd(), load_rules(tree.fd(), {})));
}

TEST(Rules, RefusesHugeFiles) {
  ScratchTree tree;
  tree.write(".dockerignore", std::string(kMaxIgnoreFileBytes + 1, '\n'));
  EXPECT_THROW(load_rules(tree.fd(), {}), Error);
  tree.write(".dockerignore", std::string(kMaxIgnoreFileBytes, '\n'));
  EXPECT_TRUE(load_rules(tree.fd(), {}).rules().empty());
}

TEST(Rules, RefusesTooMany) {
  std::string text;
  for (int i = 0; i < 70000; ++i) text += "a\n";
  expect_error(Code::kIgnoreFile,
               "ignore-file: more than 65536 rules; \".dockerignore\":65537; join them with "
               "wildcards",
               [&] { parse_dockerignore(text, ".dockerignore"); });
}

TEST(ProjectToml, Schemas) {
  const auto source = [](const char* text) {
    const auto rules = parse_project_toml(text, "project.toml");
    return rules ? rules->rules().at(0).text : "none";
  };
  EXPECT_EQ("a", source("[io.buildpacks]\nexclude = ['a']"));
  EXPECT_EQ("a", source("[build]\ninclude = ['a']"));
  EXPECT_EQ("a", source("[_]\nschema-version='0.2'\n[io.buildpacks]\ninclude=['a']\n[build]\n"
                        "exclude=['b']"));
  EXPECT_EQ("b", source("[_]\nschema-version='0.1'\n[io.buildpacks]\ninclude=['a']\n[build]\n"
                        "exclude=['b']"));
  EXPECT_EQ("none", source("[_]\nschema-version='0.2'\n[build]\nexclude=['b']"));
  EXPECT_EQ("none", source("[io.buildpacks]\nexclude = []"));
}

TEST(ProjectToml, Errors) {
  const auto expect_refused = [](const char* text, const std::string& line) {
    expect_error(Code::kIgnoreFile, line, [&] { parse_project_toml(text, "project.toml"); });
  };
  expect_refused("[io.buildpacks]\nexclude=['a']\ninclude=['b']",
                 "ignore-file: both exclude and include; \"project.toml\":3; keep one of them, as "
                 "pack does");
  expect_refused("[io.buildpacks]\nexclude='a'",
                 "ignore-file: exclude isn't a list; \"project.toml\":2; write exclude = "
                 "[\"PATTERN\", ...]");
  expect_refused("[io.buildpacks]\nexclude=[\n'a',\n7]",
                 "ignore-file: exclude holds something that isn't a string; \"project.toml\":4; "
                 "each entry is one pattern in quotes");
  expect_refused("[io.buildpacks]\nexclude=['a[']",
                 "ignore-file: bad pattern \"a[\": a class [...] that isn't closed; "
                 "\"project.toml\":2; add the ], or write \\[ for a bracket");
  EXPECT_THROW(parse_project_toml("[io.buildpacks\n", "project.toml"), Error);
}

}  // namespace
}  // namespace hookcore::ignore::testing
