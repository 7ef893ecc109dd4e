// Reading .dockerignore as BuildKit does. The numbers are those of the rules of BuildKit's
// patternmatcher and ignorefile that CONTRIBUTING.md refers to: 2 to 9 reading, 11 to 13 checking,
// 15 to 20 meaning, 25 pruning.
#include <algorithm>
#include <array>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/pattern.h"
#include "libhookcore/ignore/program.h"
#include "libhookcore/ignore/rules.h"

namespace hookcore::ignore {
namespace {

using Kind = Token::Kind;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kMaxLineBytes = 65535;

bool is_space(Symbol symbol) {
  constexpr std::array<Symbol, 12> kOthers = {0x20,   0x85,   0xA0,   0x1680, 0x2028, 0x2029,
                                              0x202F, 0x205F, 0x3000, 0x20,   0x20,   0x20};
  return (symbol >= 0x09 && symbol <= 0x0D) || (symbol >= 0x2000 && symbol <= 0x200A) ||
         std::find(kOthers.begin(), kOthers.end(), symbol) != kOthers.end();
}

// White_Space of Unicode at both ends goes away (rule 5).
std::string_view trim(std::string_view text) {
  while (!text.empty()) {
    std::string_view rest = text;
    if (!is_space(decode_symbol(rest))) break;
    text = rest;
  }
  for (;;) {
    // The last symbol: at most three bytes back, as no blank is longer.
    size_t start = text.size();
    for (size_t length = 1; length <= 3 && length <= text.size(); ++length) {
      std::string_view tail = text.substr(text.size() - length);
      if (is_space(decode_symbol(tail)) && tail.empty()) start = text.size() - length;
    }
    if (start == text.size()) return text;
    text = text.substr(0, start);
  }
}

// filepath.Clean of Go, textually (rules 7 and 8).
std::string clean(std::string_view path) {
  const bool rooted = !path.empty() && path[0] == '/';
  std::vector<std::string_view> kept;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (component.empty() || component == ".") continue;
    const bool up = component == "..";
    if (up && !kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (!up || !rooted) {
      kept.push_back(component);
    }
  }
  std::string result = rooted ? "/" : "";
  for (const auto component : kept) {
    if (!result.empty() && result.back() != '/') result += '/';
    result += component;
  }
  return result.empty() ? "." : result;
}

// Rules 5 to 7: what BuildKit's reader makes of a line; empty if nothing is left of it.
std::string read_line(std::string_view line) {
  line = trim(line);
  if (line.empty()) return {};
  const bool negated = line[0] == '!';
  if (negated) line = trim(line.substr(1));
  std::string pattern;
  if (!line.empty()) {
    pattern = clean(line);
    if (pattern.size() > 1 && pattern[0] == '/') pattern.erase(0, 1);
  }
  return (negated ? "!" : "") + pattern;
}

// Rule 25: a negation without its trailing globs.
std::string without_trailing_globs(std::string pattern) {
  for (const std::string_view glob : {"/**", "/*"}) {
    if (std::string_view(pattern).ends_with(glob)) pattern.resize(pattern.size() - glob.size());
  }
  return pattern;
}

class Reader {
 public:
  Reader(std::string file_name, RuleSource source)
      : file_(std::move(file_name)), builder_(Program::Semantics::kBuildKit, source, file_) {}

  RuleSet read(std::string_view text) {
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    while (!text.empty()) {
      ++line_;
      const size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.size() > kMaxLineBytes) {
        fail("a line longer than 65535 bytes", "docker build refuses it too: split it");
      }
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.starts_with('#')) add(line);
    }
    if (prefixes_only_) builder_.prune_except(negations_);
    return builder_.finish();
  }

 private:
  void add(std::string_view line) {
    // Rules 9 and 11: the list is parsed once more, with the '!' still attached.
    const std::string item = read_line(line);
    const std::string_view trimmed = trim(item);
    if (trimmed.empty()) return;
    std::string pattern = clean(trimmed);
    const bool negated = pattern[0] == '!';
    if (negated) pattern.erase(0, 1);
    const std::string_view text = trim(line);
    if (pattern.empty()) {
      fail("\"!\" without a pattern, in " + quote(text), "name what to bring back, or delete it");
    }
    try {
      builder_.add({std::string(text), line_, negated}, compile_dockerignore_pattern(pattern));
    } catch (const PatternError& error) {
      fail("bad pattern " + quote(text) + ": " + error.what(), error.remedy());
    }
    if (negated) note_negation(pattern);
  }

  void note_negation(const std::string& pattern) {
    negations_.push_back(without_trailing_globs(pattern));
    if (negations_.back().find_first_of("*[]?^\\") != std::string::npos) prefixes_only_ = false;
  }

  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
    throw Error(Code::kIgnoreFile, what, quote(file_) + ":" + std::to_string(line_), remedy);
  }

  std::string file_;
  ProgramBuilder builder_;
  unsigned line_ = 0;
  std::vector<std::string> negations_;
  bool prefixes_only_ = true;
};

}  // namespace

RuleSet parse_dockerignore(std::string_view text, std::string file_name, RuleSource source) {
  return Reader(std::move(file_name), source).read(text);
}

}  // namespace hookcore::ignore
