#include "tests/unit/ignore/random_case.h"

#include <cstdlib>

namespace hookcore::ignore::testing {

std::set<std::string> RandomCase::tree() {
  std::set<std::string> entries;
  fill(entries, "", 0);
  return entries;
}

std::string RandomCase::file() {
  std::string text;
  for (size_t i = 1 + pick(6); i > 0; --i) text += line() + "\n";
  return text;
}

size_t RandomCase::pick(size_t below) {
  return std::uniform_int_distribution<size_t>(0, below - 1)(random_);
}

bool RandomCase::chance(size_t percent) { return pick(100) < percent; }

std::string RandomCase::one_of(const std::vector<const char*>& choices) {
  return choices[pick(choices.size())];
}

std::string RandomCase::name() {
  return one_of({"a",   "b", "c",    "ab",           "abc",   "a.md", "b.go",
                 ".x",  "é", "a\nb", "\xE9",         "a\xFF", "!a",   "#a",
                 "a b", "*", "[a]",  "\xEF\xBF\xBD", "a-b",   "日本"});
}

void RandomCase::fill(std::set<std::string>& entries, const std::string& parent, size_t depth) {
  for (size_t i = depth == 0 ? 1 + pick(5) : pick(4); i > 0; --i) {
    const std::string path = parent + name();
    if (entries.contains(path) || entries.contains(path + "/")) continue;
    const bool directory = depth < 4 && chance(55);
    entries.insert(path + (directory ? "/" : ""));
    if (directory) fill(entries, path + "/", depth + 1);
  }
}

std::string RandomCase::component() {
  if (chance(45)) return name();
  if (chance(30)) return "**";
  std::string text;
  for (size_t i = 1 + pick(3); i > 0; --i) {
    text += one_of({"*", "?", "a", "b", "**", "[ab]", "[^a]", "[a-c]", "\\*", "\\!", "é", ".",
                    "[^x]", "[\\]a]", "\xEF\xBF\xBD", "\\ ", "]", "[*-a]"});
  }
  return text;
}

std::string RandomCase::line() {
  std::string text = chance(35) ? "!" : "";
  if (chance(8)) text += one_of({"/", "./", " ", "!", "x/../", "#", "\xEF\xBB\xBF"});
  for (size_t i = 1 + pick(3); i > 0; --i) text += component() + (i > 1 ? "/" : "");
  if (chance(10)) text += one_of({"/", "/**", "/*", "/.", " ", "\r", "[", "\\", "[b-a]"});
  return text;
}

unsigned long from_environment(const char* name, unsigned long otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoul(value, nullptr, 10) : otherwise;
}

}  // namespace hookcore::ignore::testing
