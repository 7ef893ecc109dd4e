// Reading .dockerignore as BuildKit does. This folder and its tests refer to what
// moby/patternmatcher 0.6.1 and tonistiigi/fsutil do by these numbers:
//
// Reading a file
//  2  Lines end in LF; one CR before it goes. A line has at most 65,535 bytes.
//  3  A byte order mark is taken off the first line.
//  4  A line whose first byte is '#' is a comment.
//  5  Unicode white space at both ends goes; what is empty then is no pattern.
//  6  A leading '!' makes a negation, and is followed by rule 5 again.
//  7  filepath.Clean of Go, and then one leading slash goes. "/", ".", "..", "../x" match nothing.
//  8  Clean is textual and comes before globbing; so a slash at the end means nothing.
//  9  The list is parsed again by 11 to 13, with the '!' still attached: "./!a" is a negation.
// Checking a pattern, whatever the tree has in it
// 11  Rules 5 and 7 once more.
// 12  One leading '!' is a negation; "!" alone is an error.
// 13  The syntax is that of Go's filepath.Match: classes that are empty, not closed or have a '-'
//     without two ends, a backslash at the end, and invalid UTF-8 in a class are errors.
// What one pattern means
// 15  It is held against the whole path. Without any of * ? [ ] \ it is exact, a prefix or a suffix
//     (17), which compare bytes; else a regular expression, at whose start a byte order mark goes.
// 16  '*' is any run without a slash, '?' one code point but a slash. An invalid byte of a path is
// one
//     character, and any U+FFFD of a regular expression.
// 17  "**" takes a slash behind it along. At the end of plain text it is a prefix; at the start of
//     plain text a suffix ("**/x" of components, "**x" of the string); elsewhere at the end ".*",
//     anywhere else "(.*/)?".
// 18  Everything else stands for itself, byte for byte.
// 19  A class has code points; only '^' negates; a negated one matches a slash.
// 20  A backslash before punctuation takes its meaning away. What else leaks into the regular
//     expression by accident is a literal here, or refused.
// Walking
// 21  Every entry is tested, whatever its type; no link is followed.
// 22  A directory hands down which patterns hit it.
// 23  In the order of the patterns: one that was hit above counts; any other is tried only where it
//     would change the verdict, and counts if it matches. The last that counts decides.
// 24  So what was not tried at a directory isn't inherited from it.
// 25  An excluded directory is entered only if some negation, without its trailing globs, lies
// below
//     it, unless one of these still has a wild card: then all are.
// 26  An excluded directory is visible if something in it is.
// 29  What can't be read below an excluded directory counts as empty.
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
  constexpr std::array<Symbol, 9> kOthers = {0x20,   0x85,   0xA0,   0x1680, 0x2028,
                                             0x2029, 0x202F, 0x205F, 0x3000};
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
