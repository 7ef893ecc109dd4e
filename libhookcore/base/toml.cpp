#include "libhookcore/base/toml.h"

#include <algorithm>

namespace hookcore {

namespace {

/// Walks over TOML as far as needed to tell strings and comments from the rest. Broken text may be
/// told wrongly from where it is broken: toml++ stops there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// The first byte beyond ASCII outside of strings and comments; npos when there is none.
  size_t find_stray_byte() {
    // A byte order mark may stand at the very beginning.
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) >= 0x80) return at_;
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '"' || c == '\'') {
        string(c);
      } else {
        ++at_;
      }
    }
    return text_.npos;
  }

 private:
  /// Passes over "…", '…', """…""" or '''…''': only the first and third know escapes, and only the
  /// last two may hold line breaks.
  void string(char quote) {
    const std::string three(3, quote);
    const bool multiline = text_.substr(at_, 3) == three;
    const std::string_view end = std::string_view(three).substr(0, multiline ? 3 : 1);
    at_ += end.size();
    while (at_ < text_.size() && text_.substr(at_, end.size()) != end) {
      if (!multiline && text_[at_] == '\n') return;
      at_ += text_[at_] == '\\' && quote == '"' ? 2 : 1;
    }
    at_ = std::min(at_ + end.size(), text_.size());
    // Up to two quotes more belong to the text: """say "yes"""".
    for (int more = 0; multiline && more < 2 && text_.substr(at_, 1) == end.substr(0, 1); ++more) {
      ++at_;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

toml::table parse_toml(std::string_view text) {
  const size_t stray = Scanner(text).find_stray_byte();
  const std::string_view safe = text.substr(0, stray);
  const auto lines = static_cast<unsigned>(1 + std::count(safe.begin(), safe.end(), '\n'));
  try {
    toml::table table = toml::parse(safe);
    if (stray == text.npos) return table;
  } catch (const toml::parse_error& error) {
    const unsigned line = error.source().begin.line;
    if (stray == text.npos || line < lines) {
      throw TomlError{std::string(error.description()), line};
    }
  }
  throw TomlError{"a character beyond ASCII outside of quotes", lines};
}

}  // namespace hookcore
