#pragma once

#include <string>
#include <string_view>

namespace hookcore::session {

/// Writes state.json, which every start of a container does twice: building nlohmann's tree first
/// took fifty times as long, a fiftieth of the whole hook. Reading, which a new container doesn't,
/// is left to the library.
///
/// A member of the document is a line of its own, indented; only the document ends with "\n}\n".
class StateWriter {
 public:
  /// What isn't UTF-8 is replaced by U+FFFD: enough where a text is only ever compared.
  void string(std::string_view key, std::string_view value);
  /// A path is bytes, and JSON text is UTF-8: what isn't is an array of numbers.
  void path(std::string_view key, std::string_view value);
  void boolean(std::string_view key, bool value);
  template <typename Integer>
  void number(std::string_view key, Integer value) {
    begin(key);
    text_ += std::to_string(value);
  }
  /// An array of numbers, as a member or, without a key, as an element.
  template <typename Numbers>
  void numbers(std::string_view key, const Numbers& values) {
    begin(key);
    append_numbers(values);
  }
  template <typename Numbers>
  void numbers(const Numbers& values) {
    separate();
    append_numbers(values);
  }
  /// write() writes the members.
  template <typename Write>
  void object(std::string_view key, Write write) {
    begin(key);
    nest('{', '}', write);
  }
  template <typename Write>
  void element(Write write) {
    separate();
    nest('{', '}', write);
  }
  /// write(value) writes one element.
  template <typename Values, typename Write>
  void array(std::string_view key, const Values& values, Write write) {
    begin(key);
    nest('[', ']', [&] {
      for (const auto& value : values) write(value);
    });
  }
  /// The document. Nothing may follow.
  std::string finish();

 private:
  void separate();
  void begin(std::string_view key);
  template <typename Numbers>
  void append_numbers(const Numbers& values) {
    text_ += '[';
    for (const auto value : values) {
      if (text_.back() != '[') text_ += ',';
      text_ += std::to_string(value);
    }
    text_ += ']';
  }
  template <typename Write>
  void nest(char opening, char closing, Write write) {
    text_ += opening;
    ++depth_;
    write();
    --depth_;
    text_ += closing;
  }

  std::string text_ = "{";
  int depth_ = 0;
};

}  // namespace hookcore::session
