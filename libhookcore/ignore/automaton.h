#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// All patterns of a rule set as one nondeterministic automaton over whole paths ("a/b/c"). A
/// directory keeps the set of positions reached after its own path and a slash; an entry costs a
/// few steps over its name alone. Time is linear in the name for any pattern: there is no
/// backtracking.
namespace hookcore::ignore {

/// A character of a path: a code point, or kInvalidByte + b for a byte b that isn't part of valid
/// UTF-8 (rule 16: one character each). Where patterns work on bytes (gitignore), a byte.
using Symbol = uint32_t;
inline constexpr Symbol kInvalidByte = 0x110000;
inline constexpr Symbol kReplacement = 0xFFFD;
inline constexpr Symbol kSymbolEnd = kInvalidByte + 0x100;

/// The first symbol of bytes; bytes must not be empty, it loses what was read. Decodes like Go.
Symbol decode_symbol(std::string_view& bytes);
std::vector<Symbol> decode_symbols(std::string_view bytes);
void append_symbol(std::string& bytes, Symbol symbol);

/// One position of a pattern: what it consumes.
struct Token {
  enum class Kind : unsigned char {
    kLiteral,       ///< value
    kLiteralAny,    ///< U+FFFD of a pattern: also any invalid byte (rule 16)
    kOne,           ///< `?`: anything but '/'
    kClass,         ///< value: index of a SymbolClass
    kRun,           ///< `*`: any run without '/'
    kComponents,    ///< `(.*/)?`: nothing or whole leading components, no newline in them
    kComponentsNl,  ///< the same, newlines too
    kRest,          ///< `.*`: anything, no newline
    kRestNl,        ///< anything at all
    kAccept,        ///< the pattern matches here
  };
  Kind kind;
  uint32_t value = 0;
};

/// `[...]`: ranges of symbols, both ends included.
struct SymbolClass {
  std::vector<std::pair<Symbol, Symbol>> ranges;
  bool negated = false;
  bool matches_slash = true;  ///< a negated class of BuildKit does (rule 19), git's never

  bool contains(Symbol symbol) const;
};

/// What one pattern text turns into, before it joins the automaton.
struct CompiledPattern {
  std::vector<Token> tokens;  ///< without kAccept
  std::vector<SymbolClass> classes;
};

/// A set of bits, one for each pattern.
using Word = uint64_t;
inline constexpr size_t kWordBits = 64;

/// The automaton itself: immutable once finished.
class Automaton {
 public:
  using Position = uint32_t;
  using PositionSet = std::vector<Position>;  ///< sorted, without repetition

  /// bytes: symbols are bytes, not code points.
  explicit Automaton(bool bytes) : bytes_(bytes) {}

  /// Several texts may share an index: then any of them counts.
  void add(size_t index, const CompiledPattern& pattern);
  /// Sorts symbols into classes that no pattern tells apart. After the last add.
  void finish();

  bool bytes() const { return bytes_; }
  size_t symbol_classes() const { return representatives_.size(); }
  size_t slash_class() const { return class_of('/'); }
  /// Classes of the bytes below 0x80 (all bytes where symbols are bytes).
  const std::array<uint32_t, 256>& byte_classes() const { return byte_classes_; }
  size_t class_of(Symbol symbol) const;
  /// No more position sets than this can come up, the empty one counted; SIZE_MAX: not known.
  size_t most_sets() const;

  PositionSet start() const { return start_; }
  PositionSet step(const PositionSet& from, size_t symbol_class) const;

  bool accepts(Position position) const { return tokens_[position].kind == Token::Kind::kAccept; }
  size_t pattern_of(Position position) const { return pattern_of_[position]; }
  /// True if nothing but literals stands between position and the next '/' or the end.
  bool spells_name(Position position) const { return spells_name_[position]; }
  /// The name that position spells; empty if it can't be one. directory: a '/' follows.
  std::string spelled_name(Position position, bool& directory) const;

 private:
  /// Collects what one step reaches; arrivals come in ascending order.
  struct Arrivals {
    PositionSet set;
    Position covered_from = 1;  ///< the last chain of skippable tokens that was added whole
    Position covered_to = 0;
  };

  void find_symbol_classes();
  void find_spelled_names();
  bool matches(const Token& token, Symbol symbol) const;
  void arrive(Position position, Arrivals& arrivals) const;

  bool bytes_;
  std::vector<Token> tokens_;
  std::vector<uint32_t> pattern_of_;
  std::vector<SymbolClass> classes_;
  std::vector<bool> spells_name_;
  PositionSet start_;
  std::vector<Symbol> boundaries_;          ///< first symbols of intervals, ascending
  std::vector<uint32_t> interval_classes_;  ///< parallel to boundaries_
  std::vector<Symbol> representatives_;     ///< one symbol of each class
  std::array<uint32_t, 256> byte_classes_{};
};

}  // namespace hookcore::ignore
