#include "libhookcore/oci/json.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "libhookcore/base/utf8.h"

namespace hookcore::oci {

namespace {

constexpr std::string_view kKindNames[] = {"null",     "true or false", "a number",
                                           "a string", "an array",      "an object"};

// No white space is above a blank, and nothing else of JSON below it: one comparison for most
// bytes.
bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\r');
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
unsigned char byte(char c) { return static_cast<unsigned char>(c); }

/// Bytes that stand for themselves inside a string, so that the common case is one table look-up.
constexpr std::array<bool, 256> make_plain_bytes() {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = make_plain_bytes();

/// Most of a document is inside of strings: this loop is most of the work.
size_t end_of_plain(std::string_view text, size_t at) {
  while (at < text.size() && kPlain[byte(text[at])]) ++at;
  return at;
}

void append_utf8(std::string& out, uint32_t code_point) {
  const auto put = [&](uint32_t value) { out.push_back(static_cast<char>(value)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

/// Four hexadecimal digits that are known to be there.
uint32_t hex_value(std::string_view digits) {
  uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + 4, value, 16);
  return value;
}

char unescape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

}  // namespace

void JsonReader::fail_at(size_t offset, const std::string& what) const {
  const std::string_view before = text_.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? offset + 1 : offset - newline;
  throw Error(code_, what,
              std::string(where_) + ":" + std::to_string(line) + ":" + std::to_string(column));
}

void JsonReader::fail_kind(std::string_view name, std::string_view wanted) {
  const JsonKind found = peek();
  fail(std::string(name) + " is " + std::string(kKindNames[static_cast<size_t>(found)]) + ", not " +
       std::string(wanted));
}

inline void JsonReader::white_space() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}

inline char JsonReader::next_char() {
  white_space();
  if (at_ == text_.size()) fail(at_ == 0 ? "the document is empty" : "the document ends too early");
  return text_[at_];
}

JsonKind JsonReader::peek() {
  switch (const char c = next_char()) {
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case '"':
      return JsonKind::kString;
    case 't':
    case 'f':
      return JsonKind::kBoolean;
    case 'n':
      return JsonKind::kNull;
    default:
      if (c == '-' || is_digit(c)) return JsonKind::kNumber;
      fail("not JSON: " + quote(text_.substr(at_, 1)) + " where a value should begin");
  }
}

void JsonReader::literal(std::string_view word) {
  const std::string_view found = text_.substr(at_, word.size());
  if (found == word) {
    at_ += word.size();
    return;
  }
  if (word.starts_with(found)) {
    at_ = text_.size();
    fail("the document ends too early");
  }
  fail("not JSON: " + quote(found) + " where " + std::string(word) + " should stand");
}

Span JsonReader::number() {
  const size_t begin = at_;
  const auto digits = [&] {
    const size_t first = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    if (at_ == first) fail("not JSON: a number without digits");
  };
  if (text_[at_] == '-') ++at_;
  if (at_ < text_.size() && text_[at_] == '0') {
    ++at_;
  } else {
    digits();
  }
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    digits();
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    digits();
  }
  return {begin, at_};
}

JsonReader::RawString JsonReader::raw_string() {
  const size_t opening = at_++;
  RawString raw{{at_, at_}, false};
  for (;;) {
    at_ = end_of_plain(text_, at_);
    if (at_ == text_.size()) fail_at(opening, "the document ends inside a string");
    const char c = text_[at_];
    if (c == '"') {
      raw.content.end = at_++;
      return raw;
    }
    if (c == '\\') {
      raw.escaped = true;
      escape();
    } else {
      utf8_sequence();
    }
  }
}

void JsonReader::utf8_sequence() {
  if (byte(text_[at_]) < 0x20) fail("not JSON: a control character in a string");
  const size_t length = utf8_length(text_.substr(at_));
  if (length == 0) fail("not JSON: a string isn't valid UTF-8");
  at_ += length;
}

void JsonReader::escape() {
  ++at_;
  if (at_ == text_.size()) fail("the document ends inside a string");
  if (text_[at_] == 'u') {
    unicode_escape();
    return;
  }
  if (std::string_view("\"\\/bfnrt").find(text_[at_]) == std::string_view::npos) {
    fail("not JSON: unknown escape " + quote(text_.substr(at_ - 1, 2)));
  }
  ++at_;
}

void JsonReader::unicode_escape() {
  const size_t begin = at_ - 1;
  const uint32_t unit = hex4();
  if (unit < 0xD800 || unit > 0xDFFF) return;
  // Half of a character outside the basic plane: the other half has to follow.
  if (unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
    ++at_;
    const uint32_t low = hex4();
    if (low >= 0xDC00 && low <= 0xDFFF) return;
  }
  fail_at(begin, "not JSON: half of a surrogate pair");
}

/// The digits after "u", on which at_ stands.
uint32_t JsonReader::hex4() {
  const std::string_view digits = text_.substr(at_ + 1, 4);
  const bool valid =
      digits.size() == 4 && digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos;
  if (!valid) fail("not JSON: \\u without four hexadecimal digits");
  at_ += 5;
  return hex_value(digits);
}

std::string JsonReader::decode(const RawString& raw) const {
  const std::string_view content =
      text_.substr(raw.content.begin, raw.content.end - raw.content.begin);
  if (!raw.escaped) return std::string(content);
  std::string out;
  out.reserve(content.size());
  for (size_t i = 0; i < content.size(); ++i) {
    if (content[i] != '\\') {
      out.push_back(content[i]);
    } else if (content[++i] != 'u') {
      out.push_back(unescape(content[i]));
    } else {
      uint32_t unit = hex_value(content.substr(i + 1, 4));
      i += 4;
      if (unit >= 0xD800 && unit <= 0xDBFF) {
        unit = 0x10000 + ((unit - 0xD800) << 10) + (hex_value(content.substr(i + 3, 4)) - 0xDC00);
        i += 6;
      }
      append_utf8(out, unit);
    }
  }
  return out;
}

Span JsonReader::skip() {
  switch (peek()) {
    case JsonKind::kObject:
    case JsonKind::kArray:
      return skip_container();
    case JsonKind::kNumber:
      return number();
    case JsonKind::kString: {
      const RawString raw = raw_string();
      return {raw.content.begin - 1, raw.content.end + 1};
    }
    case JsonKind::kBoolean:
    case JsonKind::kNull:
      break;
  }
  const size_t begin = at_;
  literal(text_[at_] == 't' ? "true" : text_[at_] == 'f' ? "false" : "null");
  return {begin, at_};
}

/// Recursion is as deep as descend() allows.
Span JsonReader::skip_container() {
  const size_t begin = at_;
  const bool is_object = text_[at_++] == '{';
  descend();
  for (bool first = true; is_object ? next_member(first) : next_element(first); first = false) {
    skip();
  }
  return {begin, at_};
}

bool JsonReader::skip_null() {
  if (peek() != JsonKind::kNull) return false;
  literal("null");
  return true;
}

std::optional<std::string> JsonReader::string_without_zero() {
  std::string value = decode(raw_string());
  if (value.find('\0') != value.npos) return std::nullopt;
  return value;
}

void JsonReader::fail_zero(size_t begin, std::string_view name) const {
  fail_at(begin, std::string(name) + " has a zero byte in it");
}

bool JsonReader::boolean(std::string_view name) {
  if (peek() != JsonKind::kBoolean) fail_kind(name, "true or false");
  const bool value = text_[at_] == 't';
  literal(value ? "true" : "false");
  return value;
}

int64_t JsonReader::integer(std::string_view name, int64_t min, int64_t max) {
  if (peek() != JsonKind::kNumber) fail_kind(name, "a number");
  const Span span = number();
  const std::string_view digits = text_.substr(span.begin, span.end - span.begin);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < min || value > max) {
    fail_at(span.begin, std::string(name) + " is " + quote(digits, 40) +
                            ", not a whole number from " + std::to_string(min) + " to " +
                            std::to_string(max));
  }
  return value;
}

void JsonReader::descend() {
  if (++depth_ > kMaxDepth) {
    fail_at(at_ - 1, "nested more than " + std::to_string(kMaxDepth) + " levels deep");
  }
}

bool JsonReader::enter(JsonKind kind, std::string_view name) {
  if (skip_null()) return false;
  if (peek() != kind) fail_kind(name, kKindNames[static_cast<size_t>(kind)]);
  ++at_;
  descend();
  return true;
}

bool JsonReader::closes(char bracket, bool first) {
  const char c = next_char();
  if (c == bracket) {
    ++at_;
    --depth_;
    return true;
  }
  if (first) return false;
  if (c != ',') {
    fail("not JSON: " + quote(text_.substr(at_, 1)) + " where \",\" or \"" + bracket +
         "\" should stand");
  }
  ++at_;
  return false;
}

bool JsonReader::next_element(bool first) { return !closes(']', first); }

bool JsonReader::next_member(bool first) {
  if (closes('}', first)) return false;
  if (next_char() != '"') {
    fail("not JSON: " + quote(text_.substr(at_, 1)) + " where a key should begin");
  }
  key_at_ = at_;
  const RawString raw = raw_string();
  key_ = text_.substr(raw.content.begin, raw.content.end - raw.content.begin);
  if (raw.escaped) {
    decoded_key_ = decode(raw);
    key_ = decoded_key_;
  }
  if (next_char() != ':') {
    fail("not JSON: " + quote(text_.substr(at_, 1)) + " where \":\" should stand");
  }
  ++at_;
  return true;
}

void JsonReader::once(uint64_t& seen, uint64_t bit, std::string_view name) const {
  if ((seen & bit) != 0) {
    fail_at(key_at_, (name.empty() ? std::string() : std::string(name) + ".") + std::string(key_) +
                         " stands twice");
  }
  seen |= bit;
}

void JsonReader::finish() {
  white_space();
  if (at_ != text_.size()) {
    fail("not JSON: " + quote(text_.substr(at_, 1)) + " after the end of the document");
  }
}

std::map<std::string, std::string, std::less<>> read_annotations(JsonReader& reader) {
  std::map<std::string, std::string, std::less<>> annotations;
  reader.members("annotations", [&](std::string key) {
    const auto inserted = annotations.try_emplace(std::move(key));
    const auto at = inserted.first;
    if (!inserted.second) reader.fail("annotation " + quote(at->first) + " stands twice");
    at->second = reader.string([&] { return "annotation " + quote(at->first); });
  });
  return annotations;
}

std::string json_string(std::string_view text) {
  if (!is_utf8(text)) {
    throw Error(Code::kConfig, "can't be written to a JSON document, which is UTF-8", quote(text));
  }
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace hookcore::oci
