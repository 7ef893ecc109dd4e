#include "libhookcore/session/state_writer.h"

#include <utility>
#include <vector>

#include "libhookcore/base/utf8.h"

namespace hookcore::session {

void StateWriter::string(std::string_view key, std::string_view value) {
  begin(key);
  append_json_string(text_, value);
}

void StateWriter::path(std::string_view key, std::string_view value) {
  if (is_utf8(value)) {
    string(key, value);
  } else {
    numbers(key, std::vector<uint8_t>(value.begin(), value.end()));
  }
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
  append_json_string(text_, key);
  text_ += ": ";
}

}  // namespace hookcore::session
