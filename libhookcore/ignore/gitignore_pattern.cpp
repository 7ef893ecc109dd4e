// One line of .gitignore, as git's wildmatch reads it: bytes, `*` within a component, `**` only as
// a whole component, classes with POSIX names.
#include <algorithm>
#include <utility>

#include "libhookcore/ignore/pattern.h"

namespace hookcore::ignore {
namespace {

using Kind = Token::Kind;
using Ranges = std::vector<std::pair<Symbol, Symbol>>;

// The classes of POSIX in git's own ctype: ASCII only, whatever the locale.
const Ranges* posix_class(std::string_view name) {
  static const std::pair<std::string_view, Ranges> kClasses[] = {
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"blank", {{' ', ' '}, {'\t', '\t'}}},
      {"cntrl", {{0x00, 0x1F}, {0x7F, 0x7F}}},
      {"digit", {{'0', '9'}}},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", {{' ', ' '}, {'\t', '\r'}}},
      {"upper", {{'A', 'Z'}}},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
  };
  for (const auto& [known, ranges] : kClasses) {
    if (known == name) return &ranges;
  }
  return nullptr;
}

class Compiler {
 public:
  explicit Compiler(std::string_view pattern) : text_(pattern) {}

  CompiledPattern compile(bool& directories_only) {
    directories_only = text_.ends_with('/');
    if (directories_only) text_.remove_suffix(1);
    if (text_.find('/') == std::string_view::npos) {
      result_.tokens.push_back({Kind::kComponentsNl});
      basename_ = true;
    } else if (text_.starts_with('/')) {
      text_.remove_prefix(1);
    }
    // git compares the text before the first wildcard apart and hands wildmatch the rest.
    first_wildcard_ = std::min(text_.find_first_of("*?[\\"), text_.size());
    if (text_.empty()) result_.tokens.push_back({Kind::kLiteral, '/'});  // "/": never matches
    while (next_ < text_.size()) compile_one();
    return std::move(result_);
  }

 private:
  void compile_one() {
    const unsigned char byte = take();
    switch (byte) {
      case '*':
        stars();
        break;
      case '?':
        result_.tokens.push_back({Kind::kOne});
        break;
      case '[':
        character_class();
        break;
      case '\\':
        push_literal(escaped());
        break;
      default:
        push_literal(byte);
    }
  }

  void stars() {
    const size_t start = next_ - 1;
    while (peek() == '*') ++next_;
    const bool several = next_ - start > 1;
    const bool behind_slash = start == first_wildcard_ || text_[start - 1] == '/';
    const bool last = next_ == text_.size();
    const bool before_slash = peek() == '/' || text_.substr(next_).starts_with("\\/");
    if (basename_ || !several || !behind_slash || !(last || before_slash)) {
      result_.tokens.push_back({Kind::kRun});
    } else if (peek() == '/') {
      ++next_;
      result_.tokens.push_back({Kind::kComponentsNl});
    } else {
      result_.tokens.push_back({Kind::kRestNl});
    }
  }

  void character_class() {
    SymbolClass symbol_class;
    symbol_class.matches_slash = false;
    if (peek() == '!' || peek() == '^') {
      symbol_class.negated = true;
      ++next_;
    }
    Symbol previous = 0;  // may begin a range; 0: nothing to begin one with
    do {
      previous = class_member(symbol_class.ranges, previous);
      if (next_ == text_.size()) unclosed();
    } while (peek() != ']');
    ++next_;
    result_.tokens.push_back({Kind::kClass, static_cast<uint32_t>(result_.classes.size())});
    result_.classes.push_back(std::move(symbol_class));
  }

  Symbol class_member(Ranges& ranges, Symbol previous) {
    if (next_ == text_.size()) unclosed();
    Symbol byte = take();
    if (byte == '-' && previous != 0 && next_ < text_.size() && peek() != ']') {
      byte = take();
      if (byte == '\\') byte = escaped();
      if (previous <= byte) ranges.emplace_back(previous, byte);
      return 0;
    }
    if (byte == '[' && peek() == ':') {
      const size_t close = text_.find(']', next_ + 1);
      if (close == std::string_view::npos) unclosed();
      if (close > next_ + 1 && text_[close - 1] == ':') {
        const std::string_view name = text_.substr(next_ + 1, close - next_ - 2);
        const Ranges* known = posix_class(name);
        if (known == nullptr) {
          throw PatternError("an unknown class name between [: and :]", "use one of POSIX");
        }
        ranges.insert(ranges.end(), known->begin(), known->end());
        next_ = close + 1;
        return 0;
      }
    }
    if (byte == '\\') byte = escaped();
    ranges.emplace_back(byte, byte);
    return byte;
  }

  Symbol escaped() {
    if (next_ == text_.size()) {
      throw PatternError("a backslash with nothing behind it", "write \\\\ for a backslash");
    }
    return take();
  }

  [[noreturn]] static void unclosed() {
    throw PatternError("a class [...] that isn't closed", "add the ], or write \\[ for a bracket");
  }

  unsigned char take() { return static_cast<unsigned char>(text_[next_++]); }
  char peek() const { return next_ < text_.size() ? text_[next_] : '\0'; }
  void push_literal(Symbol byte) { result_.tokens.push_back({Kind::kLiteral, byte}); }

  std::string_view text_;
  size_t next_ = 0;
  size_t first_wildcard_ = 0;
  bool basename_ = false;
  CompiledPattern result_;
};

}  // namespace

CompiledPattern compile_gitignore_pattern(std::string_view pattern, bool& directories_only) {
  return Compiler(pattern).compile(directories_only);
}

}  // namespace hookcore::ignore
