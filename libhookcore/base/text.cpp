#include "libhookcore/base/text.h"

#include <algorithm>

namespace hookcore {

std::string_view take_part(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

std::string_view take_last_line(std::string_view& text) {
  text.remove_suffix(text.ends_with('\n') ? 1 : 0);
  const size_t begin = text.rfind('\n') + 1;
  const std::string_view line = text.substr(begin);
  text.remove_suffix(line.size());
  return line;
}

}  // namespace hookcore
