#include "libhookcore/session/state_writer.h"

#include <utility>

#include "libhookcore/base/utf8.h"

namespace hookcore::session {
namespace {

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace

void StateWriter::string(std::string_view key, std::string_view value) {
  begin(key);
  append_string(value);
}

void StateWriter::path(std::string_view key, std::string_view value) {
  if (is_utf8(value)) {
    string(key, value);
    return;
  }
  begin(key);
  text_ += '[';
  for (const char byte : value) {
    if (text_.back() != '[') text_ += ',';
    text_ += std::to_string(static_cast<unsigned char>(byte));
  }
  text_ += ']';
}

void StateWriter::boolean(std::string_view key, bool value) {
  begin(key);
  text_ += value ? "true" : "false";
}

std::string StateWriter::finish() { return std::move(text_) + "\n}\n"; }

void StateWriter::separate() {
  if (text_.back() != '{' && text_.back() != '[') text_ += depth_ == 0 ? "," : ", ";
}

void StateWriter::begin(std::string_view key) {
  separate();
  if (depth_ == 0) text_ += "\n ";
  append_string(key);
  text_ += ": ";
}

void StateWriter::append_string(std::string_view value) {
  static constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  static constexpr std::string_view kHex = "0123456789abcdef";
  text_ += '"';
  while (!value.empty()) {
    const size_t length = utf8_length(value);
    const auto byte = static_cast<unsigned char>(value[0]);
    if (length == 0) {
      text_ += kReplacement;
    } else if (byte < 0x20) {
      text_.append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 0xF]);
    } else {
      if (byte == '"' || byte == '\\') text_ += '\\';
      text_ += value.substr(0, length);
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
  text_ += '"';
}

}  // namespace hookcore::session
