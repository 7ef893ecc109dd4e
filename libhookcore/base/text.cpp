#include "libhookcore/base/text.h"

#include <algorithm>

namespace hookcore {

std::string_view take_part(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

}  // namespace hookcore
