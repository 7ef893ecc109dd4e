#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "libhookcore/base/error.h"

/// One pass over a JSON text (RFC 8259) that copies only what is asked for and knows the byte
/// offset of everything: a hook reads ten fields of a document that is mostly a seccomp profile,
/// and the editor splices into the text. Strict: what nlohmann::json refuses is refused here (the
/// unit tests and tests/fuzz compare the two), and so are nesting deeper than kMaxDepth and a byte
/// order mark.
namespace hookcore::oci {

enum class JsonKind { kNull, kBoolean, kNumber, kString, kArray, kObject };

/// A range of bytes in the text.
struct Span {
  size_t begin = 0;
  size_t end = 0;
};

/// One member that JsonReader::object() knows: its key and what reads its value.
template <typename Read>
struct Field {
  std::string_view key;
  Read read;
};
template <typename Read>
Field(std::string_view, Read) -> Field<Read>;

/// Every function throws Error(code) with "where:LINE:COLUMN". name is the field's path, for
/// messages. null counts as absent, as in Go, whose encoder writes it for empty lists and maps.
class JsonReader {
 public:
  static constexpr int kMaxDepth = 128;

  /// text and where must outlive the reader.
  JsonReader(std::string_view text, Code code, std::string_view where)
      : text_(text), where_(where), code_(code) {}

  /// What comes next; white space before it is passed over, so offset() is where it begins.
  JsonKind peek();
  size_t offset() const { return at_; }

  /// Checks and passes over one value of any kind.
  Span skip();
  /// Passes over a null, if one is next.
  bool skip_null();

  /// Refuses a zero byte in the string: the kernel would see another path or variable than we do.
  std::string string(std::string_view name) {
    return string([name] { return name; });
  }
  /// The same, where a name is work to make: name() is called for messages only.
  template <typename Name>
  requires std::is_invocable_v<Name> std::string string(Name name) {
    if (peek() != JsonKind::kString) fail_kind(name(), "a string");
    const size_t begin = at_;
    std::optional<std::string> value = string_without_zero();
    if (!value) fail_zero(begin, name());
    return *std::move(value);
  }
  bool boolean(std::string_view name);
  int64_t integer(std::string_view name, int64_t min, int64_t max);

  /// Reads an object: fields that are known by their read(), the others skipped. A known key that
  /// stands twice is refused: parsers disagree on which one counts.
  template <typename... Reads>
  void object(std::string_view name, Field<Reads>... fields) {
    if (!enter(JsonKind::kObject, name)) return;
    uint64_t seen = 0;
    for (bool first = true; next_member(first); first = false) {
      uint64_t bit = 1;
      const bool known = ((key_ == fields.key ? (once(seen, bit, name), fields.read(), true)
                                              : (bit <<= 1, false)) ||
                          ...);
      if (!known) skip();
    }
  }
  /// Reads an object of any keys: each(key) reads the value. Duplicates are each's to find.
  template <typename Each>
  void members(std::string_view name, Each each) {
    if (!enter(JsonKind::kObject, name)) return;
    for (bool first = true; next_member(first); first = false) each(std::string(key_));
  }
  /// Reads an array: each() reads one element.
  template <typename Each>
  void array(std::string_view name, Each each) {
    if (!enter(JsonKind::kArray, name)) return;
    for (bool first = true; next_element(first); first = false) each();
  }

  /// Nothing but white space may be left.
  void finish();

  [[noreturn]] void fail(const std::string& what) const { fail_at(at_, what); }

 private:
  struct RawString {
    Span content;  ///< without the quotes
    bool escaped = false;
  };

  [[noreturn]] void fail_at(size_t offset, const std::string& what) const;
  [[noreturn]] void fail_kind(std::string_view name, std::string_view wanted);
  [[noreturn]] void fail_zero(size_t begin, std::string_view name) const;
  std::optional<std::string> string_without_zero();
  void white_space();
  char next_char();
  void literal(std::string_view word);
  Span number();
  RawString raw_string();
  void escape();
  void unicode_escape();
  void utf8_sequence();
  uint32_t hex4();
  std::string decode(const RawString& raw) const;
  /// false for null.
  bool enter(JsonKind kind, std::string_view name);
  bool next_member(bool first);
  bool next_element(bool first);
  bool closes(char bracket, bool first);
  void once(uint64_t& seen, uint64_t bit, std::string_view name) const;
  void descend();
  Span skip_container();

  std::string_view text_;
  std::string_view where_;
  Code code_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string_view key_;  ///< of the member whose value is next; in text_ or in decoded_key_
  std::string decoded_key_;
  size_t key_at_ = 0;
};

/// Reads an object of strings; a key that stands twice is refused.
std::map<std::string, std::string, std::less<>> read_annotations(JsonReader& reader);

/// text as a JSON string, with its quotes. Throws Error(Code::kConfig) for invalid UTF-8.
std::string json_string(std::string_view text);

}  // namespace hookcore::oci
