#include "libhookcore/ignore/automaton.h"

#include <algorithm>

namespace hookcore::ignore {
namespace {

using Kind = Token::Kind;

bool is_continuation(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

// Length of the valid sequence at the start of bytes, 0 if there is none (overlong forms,
// surrogates and numbers beyond U+10FFFF are not valid).
size_t sequence_length(std::string_view bytes, Symbol& symbol) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  const size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || bytes.size() < length) return 0;
  symbol = lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (!is_continuation(at(i))) return 0;
    symbol = symbol << 6 | (at(i) & 0x3FU);
  }
  constexpr Symbol kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = symbol >= 0xD800 && symbol < 0xE000;
  return symbol < kSmallest[length] || symbol >= kInvalidByte || surrogate ? 0 : length;
}

}  // namespace

Symbol decode_symbol(std::string_view& bytes) {
  const unsigned char first = static_cast<unsigned char>(bytes[0]);
  Symbol symbol = first;
  size_t length = 1;
  if (first >= 0x80) {
    length = sequence_length(bytes, symbol);
    if (length == 0) {
      length = 1;
      symbol = kInvalidByte + first;
    }
  }
  bytes.remove_prefix(length);
  return symbol;
}

std::vector<Symbol> decode_symbols(std::string_view bytes) {
  std::vector<Symbol> symbols;
  while (!bytes.empty()) symbols.push_back(decode_symbol(bytes));
  return symbols;
}

void append_symbol(std::string& bytes, Symbol symbol) {
  const auto put = [&](Symbol byte) { bytes.push_back(static_cast<char>(byte)); };
  if (symbol >= kInvalidByte) {
    put(symbol - kInvalidByte);
  } else if (symbol < 0x80) {
    put(symbol);
  } else if (symbol < 0x800) {
    put(0xC0 | symbol >> 6);
    put(0x80 | (symbol & 0x3F));
  } else if (symbol < 0x10000) {
    put(0xE0 | symbol >> 12);
    put(0x80 | (symbol >> 6 & 0x3F));
    put(0x80 | (symbol & 0x3F));
  } else {
    put(0xF0 | symbol >> 18);
    put(0x80 | (symbol >> 12 & 0x3F));
    put(0x80 | (symbol >> 6 & 0x3F));
    put(0x80 | (symbol & 0x3F));
  }
}

bool SymbolClass::contains(Symbol symbol) const {
  if (symbol == '/' && !matches_slash) return false;
  // An invalid byte of a name is U+FFFD to a class, as it is to Go's regular expressions.
  const Symbol tested = symbol >= kInvalidByte ? kReplacement : symbol;
  const bool listed = std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
    return range.first <= tested && tested <= range.second;
  });
  return listed != negated;
}

void Automaton::add(size_t index, const CompiledPattern& pattern) {
  const auto first = static_cast<Position>(tokens_.size());
  const auto first_class = static_cast<uint32_t>(classes_.size());
  for (Token token : pattern.tokens) {
    if (token.kind == Kind::kClass) token.value += first_class;
    tokens_.push_back(token);
  }
  tokens_.push_back({Kind::kAccept});
  classes_.insert(classes_.end(), pattern.classes.begin(), pattern.classes.end());
  pattern_of_.resize(tokens_.size(), static_cast<uint32_t>(index));
  Arrivals arrivals;
  arrive(first, arrivals);
  start_.insert(start_.end(), arrivals.set.begin(), arrivals.set.end());
}

void Automaton::finish() {
  find_symbol_classes();
  find_spelled_names();
}

void Automaton::find_symbol_classes() {
  // Every symbol at which some token's answer may change begins an interval; the intervals that no
  // token mentions all behave alike and share class 0.
  std::vector<Symbol> starts = {0, '\n', '\n' + 1, '/', '/' + 1, kInvalidByte};
  std::vector<std::pair<Symbol, Symbol>> mentioned = {{'\n', '\n'}, {'/', '/'}};
  const auto mention = [&](Symbol low, Symbol high) {
    starts.insert(starts.end(), {low, high + 1});
    mentioned.emplace_back(low, high);
  };
  for (const Token& token : tokens_) {
    if (token.kind == Kind::kLiteral) mention(token.value, token.value);
    if (token.kind == Kind::kLiteralAny) mention(kReplacement, kReplacement);
    if (token.kind == Kind::kLiteralAny || token.kind == Kind::kClass)
      mention(kInvalidByte, kSymbolEnd - 1);
  }
  for (const SymbolClass& symbol_class : classes_) {
    for (const auto& [low, high] : symbol_class.ranges) mention(low, high);
  }
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  if (starts.back() >= kSymbolEnd) starts.pop_back();
  std::sort(mentioned.begin(), mentioned.end());

  boundaries_ = std::move(starts);
  interval_classes_.clear();
  representatives_ = {0};  // class 0; NUL if no symbol that may occur has it
  size_t next_mention = 0;
  Symbol covered_to = 0;  // symbols below this are mentioned by what was passed
  for (const Symbol boundary : boundaries_) {
    while (next_mention < mentioned.size() && mentioned[next_mention].first <= boundary) {
      covered_to = std::max(covered_to, mentioned[next_mention++].second + 1);
    }
    if (boundary < covered_to) {
      interval_classes_.push_back(static_cast<uint32_t>(representatives_.size()));
      representatives_.push_back(boundary);
    } else {
      interval_classes_.push_back(0);
      representatives_[0] = boundary;
    }
  }
  size_t interval = 0;
  for (Symbol byte = 0; byte < 256; ++byte) {
    while (interval + 1 < boundaries_.size() && boundaries_[interval + 1] <= byte) ++interval;
    byte_classes_[byte] = interval_classes_[interval];
  }
}

void Automaton::find_spelled_names() {
  spells_name_.assign(tokens_.size(), false);
  for (size_t i = tokens_.size(); i-- > 0;) {
    const Token& token = tokens_[i];
    const bool literal = token.kind == Kind::kLiteral;
    spells_name_[i] = token.kind == Kind::kAccept || (literal && token.value == '/') ||
                      (literal && spells_name_[i + 1]);
  }
}

size_t Automaton::most_sets() const {
  const bool chains = std::all_of(tokens_.begin(), tokens_.end(), [](const Token& token) {
    return token.kind == Kind::kLiteral || token.kind == Kind::kAccept;
  });
  // A set that isn't empty belongs to a beginning of some text, and those are as many as positions.
  return chains ? tokens_.size() + 1 : SIZE_MAX;
}

size_t Automaton::class_of(Symbol symbol) const {
  const auto after = std::upper_bound(boundaries_.begin(), boundaries_.end(), symbol);
  return interval_classes_[static_cast<size_t>(after - boundaries_.begin()) - 1];
}

bool Automaton::matches(const Token& token, Symbol symbol) const {
  switch (token.kind) {
    case Kind::kLiteral:
      return symbol == token.value;
    case Kind::kLiteralAny:
      return symbol == kReplacement || symbol >= kInvalidByte;
    case Kind::kOne:
    case Kind::kRun:
      return symbol != '/';
    case Kind::kClass:
      return classes_[token.value].contains(symbol);
    case Kind::kComponents:
    case Kind::kRest:
      return symbol != '\n';
    case Kind::kComponentsNl:
    case Kind::kRestNl:
      return true;
    case Kind::kAccept:
      return false;
  }
  return false;
}

// Adds position and what can be reached from it without a symbol. Each chain of skippable tokens is
// walked once a step, so that a pattern of n stars costs n, not n squared.
void Automaton::arrive(Position position, Arrivals& arrivals) const {
  if (arrivals.covered_from <= position && position <= arrivals.covered_to) return;
  arrivals.covered_from = position;
  for (;; ++position) {
    arrivals.set.push_back(position);
    arrivals.covered_to = position;
    const Kind kind = tokens_[position].kind;
    const bool skippable = kind == Kind::kRun || kind == Kind::kComponents ||
                           kind == Kind::kComponentsNl || kind == Kind::kRest ||
                           kind == Kind::kRestNl;
    if (!skippable) return;
  }
}

Automaton::PositionSet Automaton::step(const PositionSet& from, size_t symbol_class) const {
  const Symbol symbol = representatives_[symbol_class];
  Arrivals reached;
  for (const Position position : from) {
    const Token& token = tokens_[position];
    switch (token.kind) {
      case Kind::kRun:
      case Kind::kRest:
      case Kind::kRestNl:
        if (matches(token, symbol)) arrive(position, reached);
        break;
      case Kind::kComponents:
      case Kind::kComponentsNl:
        // Inside the loop the rest may begin only right behind a slash.
        if (matches(token, symbol)) reached.set.push_back(position);
        if (symbol == '/') arrive(position + 1, reached);
        break;
      default:
        if (matches(token, symbol)) arrive(position + 1, reached);
    }
  }
  PositionSet set = std::move(reached.set);
  std::sort(set.begin(), set.end());
  set.erase(std::unique(set.begin(), set.end()), set.end());
  return set;
}

std::string Automaton::spelled_name(Position position, bool& directory) const {
  std::string name;
  for (; tokens_[position].kind == Kind::kLiteral && tokens_[position].value != '/'; ++position) {
    if (bytes_) {
      name.push_back(static_cast<char>(tokens_[position].value));
    } else {
      append_symbol(name, tokens_[position].value);
    }
  }
  directory = tokens_[position].kind == Kind::kLiteral;
  const bool nameable =
      name != "." && name != ".." && name.size() <= 255 && name.find('\0') == std::string::npos;
  return nameable ? name : std::string();
}

}  // namespace hookcore::ignore
