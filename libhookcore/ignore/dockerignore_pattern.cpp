// One pattern of .dockerignore. BuildKit tells four kinds apart: exact, prefix and suffix compare
// bytes, everything else becomes a regular expression (rule 15). Here all four become tokens.
#include <algorithm>
#include <optional>

#include "libhookcore/ignore/pattern.h"

namespace hookcore::ignore {
namespace {

using Kind = Token::Kind;

constexpr Symbol kByteOrderMark = 0xFEFF;

bool is_alphanumeric(Symbol symbol) {
  return (symbol >= '0' && symbol <= '9') || (symbol >= 'A' && symbol <= 'Z') ||
         (symbol >= 'a' && symbol <= 'z');
}

class Compiler {
 public:
  explicit Compiler(std::string_view pattern)
      : pattern_(pattern), symbols_(decode_symbols(pattern)) {}

  CompiledPattern compile() {
    compile_expression();
    if (has_special_) return std::move(result_);
    // No character made it a regular expression; what is left depends on where `**` stands.
    if (pattern_.starts_with("**")) return suffix();
    // A byte order mark before a leading `**`: BuildKit cuts its suffix out of the mark's middle,
    // so that no sane name matches.
    if (pattern_.ends_with("**") && !starts_with_double_star_) {
      CompiledPattern prefix = literal(pattern_.substr(0, pattern_.size() - 2));
      prefix.tokens.push_back({Kind::kRestNl});
      return prefix;
    }
    return literal(pattern_);
  }

 private:
  static CompiledPattern literal(std::string_view text) {
    CompiledPattern pattern;
    for (const Symbol symbol : decode_symbols(text)) {
      pattern.tokens.push_back({Kind::kLiteral, symbol});
    }
    return pattern;
  }

  // Rule 17: `**/x` is x in any directory, `**x` any path whose text ends in x.
  CompiledPattern suffix() const {
    const std::string_view text = pattern_.substr(2);
    const bool component = text.starts_with('/');
    CompiledPattern pattern = literal(text.substr(component ? 1 : 0));
    pattern.tokens.insert(pattern.tokens.begin(),
                          {component ? Kind::kComponentsNl : Kind::kRestNl});
    return pattern;
  }

  void compile_expression() {
    size_t& i = next_;
    if (!symbols_.empty() && symbols_[0] == kByteOrderMark) i = 1;  // rule 15
    const size_t first = i;
    while (i < symbols_.size()) {
      const size_t at = i;
      const Symbol symbol = symbols_[i++];
      if (symbol == '*' && peek() == '*') {
        ++i;
        double_star(at == first);
      } else if (symbol == '*') {
        special(Kind::kRun);
      } else if (symbol == '?') {
        special(Kind::kOne);
      } else if (symbol == '[') {
        character_class();
      } else if (symbol == '\\') {
        has_special_ = true;
        push_literal(escaped());
      } else {
        has_special_ = has_special_ || symbol == ']';
        push_literal(symbol);
      }
    }
  }

  void double_star(bool first) {
    if (peek() == '/') ++next_;
    const bool last = next_ == symbols_.size();
    // Alone at the start or, after plain text, at the end it is a suffix or prefix test.
    if (!first && !(last && !starts_with_double_star_)) has_special_ = true;
    if (first) starts_with_double_star_ = true;
    result_.tokens.push_back({last ? Kind::kRest : Kind::kComponents});
  }

  void character_class() {
    has_special_ = true;
    SymbolClass symbol_class;
    if (peek() == '^') {
      symbol_class.negated = true;
      ++next_;
    }
    do {
      const Symbol low = class_member();
      Symbol high = low;
      if (peek() == '-') {
        ++next_;
        high = class_member();
      }
      if (high < low) throw PatternError("a range in [...] runs backwards", "swap its ends");
      symbol_class.ranges.emplace_back(low, high);
      if (next_ == symbols_.size()) unclosed();
    } while (peek() != ']');
    ++next_;
    result_.tokens.push_back({Kind::kClass, static_cast<uint32_t>(result_.classes.size())});
    result_.classes.push_back(std::move(symbol_class));
  }

  // Rule 13: what Go's filepath.Match accepts as a member.
  Symbol class_member() {
    if (next_ == symbols_.size()) unclosed();
    const Symbol symbol = symbols_[next_++];
    if (symbol == ']') {
      throw PatternError("a class [...] is empty or ends in \"-\"", "write a literal ] as \\]");
    }
    if (symbol == '-') {
      throw PatternError("a \"-\" in [...] without two ends", "write a literal - as \\-");
    }
    if (symbol >= kInvalidByte) {
      throw PatternError("a byte in [...] that isn't UTF-8", "use ? for a single character");
    }
    return symbol == '\\' ? escaped() : symbol;
  }

  Symbol escaped() {
    if (next_ == symbols_.size()) {
      throw PatternError("a backslash with nothing behind it", "write \\\\ for a backslash");
    }
    const Symbol symbol = symbols_[next_++];
    // To BuildKit these are escapes of Go's regular expressions, or errors; nobody means them.
    if (is_alphanumeric(symbol) || symbol >= 0x80) {
      throw PatternError("a backslash before a letter or digit",
                         "use / between directories, and \\\\ for a backslash");
    }
    return symbol;
  }

  [[noreturn]] static void unclosed() {
    throw PatternError("a class [...] that isn't closed", "add the ], or write \\[ for a bracket");
  }

  Symbol peek() const { return next_ < symbols_.size() ? symbols_[next_] : kSymbolEnd; }
  void special(Kind kind) {
    has_special_ = true;
    result_.tokens.push_back({kind});
  }
  void push_literal(Symbol symbol) {
    const Kind kind = symbol == kReplacement ? Kind::kLiteralAny : Kind::kLiteral;
    result_.tokens.push_back({kind, symbol});
  }

  std::string_view pattern_;
  std::vector<Symbol> symbols_;
  size_t next_ = 0;
  bool has_special_ = false;  ///< BuildKit would use a regular expression
  bool starts_with_double_star_ = false;
  CompiledPattern result_;
};

}  // namespace

CompiledPattern compile_dockerignore_pattern(std::string_view pattern) {
  return Compiler(pattern).compile();
}

}  // namespace hookcore::ignore
