// project.toml's patterns, held against git check-ignore on random patterns and trees.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/rules.h"
#include "tests/unit/ignore/scratch_tree.h"

namespace hookcore::ignore::testing {
namespace {

using Paths = std::set<std::string>;

std::string toml(const char* key, const std::vector<std::string>& patterns) {
  std::string text = std::string("[io.buildpacks]\n") + key + " = [";
  for (const std::string& pattern : patterns) text += "\n'" + pattern + "',";
  return text + "]\n";
}

// The entries that git ignores, asked of git itself.
Paths ignored_by_git(const ScratchTree& tree, const std::vector<std::string>& patterns,
                     const Paths& entries) {
  std::string rules;
  for (const std::string& pattern : patterns) rules += pattern + "\n";
  std::string names;
  // Without the slash: git would match it as a character of the path.
  for (const std::string& entry : entries) {
    names += entry.substr(0, entry.size() - (entry.ends_with('/') ? 1 : 0)) + '\0';
  }
  ScratchTree work;
  work.write("rules", rules);
  work.write("names", names);
  const std::string command = "cd '" + tree.path() + "' && git --git-dir='" + work.path() +
                              "/git' --work-tree=. init -q 2>/dev/null; git --git-dir='" +
                              work.path() + "/git' --work-tree=. -c core.excludesFile='" +
                              work.path() + "/rules' check-ignore --no-index -z --stdin < '" +
                              work.path() + "/names'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string text;
  std::array<char, 4096> buffer;
  for (size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) {
    text.append(buffer.data(), got);
  }
  Paths ignored;
  for (size_t i = 0; i < text.size(); i = text.find('\0', i) + 1) {
    const std::string path = text.c_str() + i;
    ignored.insert(entries.contains(path) ? path : path + "/");
  }
  return ignored;
}

// `include`: closed under parents.
Paths with_parents(const Paths& paths) {
  Paths all = paths;
  for (const std::string& path : paths) {
    for (size_t slash = path.find('/'); slash != std::string::npos && slash + 1 < path.size();
         slash = path.find('/', slash + 1)) {
      all.insert(path.substr(0, slash + 1));
    }
  }
  return all;
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}
  Paths tree() {
    Paths entries;
    fill(entries, "", 0);
    return entries;
  }
  std::vector<std::string> patterns() {
    std::vector<std::string> patterns;
    for (size_t i = 1 + pick(4); i > 0; --i) patterns.push_back(pattern());
    return patterns;
  }

 private:
  size_t pick(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  std::string one_of(const std::vector<const char*>& choices) {
    return choices[pick(choices.size())];
  }
  std::string name() {
    return one_of({"a", "b", "ab", "abc", "a.md", ".x", "é", "a b", "[a]", "#a", "!a"});
  }
  void fill(Paths& entries, const std::string& parent, size_t depth) {
    for (size_t i = 1 + pick(4); i > 0; --i) {
      const std::string path = parent + name();
      if (entries.contains(path) || entries.contains(path + "/")) continue;
      const bool directory = depth < 3 && pick(2) == 0;
      entries.insert(path + (directory ? "/" : ""));
      if (directory) fill(entries, path + "/", depth + 1);
    }
  }
  std::string pattern() {
    std::string text = one_of({"", "", "!", "/", "\\", "!/"});
    if (text == "\\") text += one_of({"#", "!", "a"});
    for (size_t i = 1 + pick(3); i > 0; --i) {
      for (size_t k = 1 + pick(2); k > 0; --k) {
        text += one_of({"a",    "b",     "*",           "**",   "?",    "[ab]", "[!a]",
                        "[^b]", "[a-c]", "[[:alpha:]]", "[]a]", "***",  "é",    ".",
                        "\\*",  "\\[",   "[\\]a]",      "abc",  "[a-]", "[c-a]"});
      }
      if (i > 1) text += "/";
    }
    return text + one_of({"", "", "/", " ", "\\ ", "/**", "/*"});
  }
  std::mt19937 random_;
};

TEST(Gitignore, AgreesWithGit) {
  if (std::system("git --version >/dev/null 2>&1") != 0) {
    if (std::getenv("CI") != nullptr) FAIL() << "git is missing";
    GTEST_SKIP() << "GIT IS MISSING, NOTHING TESTED";
  }
  for (unsigned seed = 1; seed <= 300; ++seed) {
    Generator generator(seed);
    const Paths entries = generator.tree();
    const std::vector<std::string> patterns = generator.patterns();
    const ScratchTree tree({entries.begin(), entries.end()});
    const Paths ignored = ignored_by_git(tree, patterns, entries);
    std::optional<RuleSet> exclude;
    std::optional<RuleSet> include;
    try {
      exclude = parse_project_toml(toml("exclude", patterns), "project.toml");
      include = parse_project_toml(toml("include", patterns), "project.toml");
    } catch (const Error& error) {
      continue;  // a pattern that git would silently never match
    }
    Paths visible;
    for (const std::string& entry : entries) {
      if (!ignored.contains(entry)) visible.insert(entry);
    }
    EXPECT_EQ(visible, visible_of(tree.fd(), *exclude)) << toml("exclude", patterns);
    EXPECT_EQ(with_parents(ignored), visible_of(tree.fd(), *include)) << toml("include", patterns);
    Paths masks;
    for (const std::string& entry : ignored) {
      std::string parent = entry.substr(0, entry.size() - 1);
      parent.resize(parent.rfind('/') == std::string::npos ? 0 : parent.rfind('/') + 1);
      if (parent.empty() || !ignored.contains(parent)) masks.insert(entry);
    }
    EXPECT_EQ(masks, masks_of(tree.fd(), *exclude)) << toml("exclude", patterns);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hookcore::ignore::testing
