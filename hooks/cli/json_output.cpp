#include "hooks/cli/json_output.h"

#include <nlohmann/json.hpp>

#include "hooks/cli/output.h"
#include "libhookcore/base/utf8.h"

namespace hookcore::cli {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 0x3F];
    }
  }
  return text;
}

}  // namespace

void put_name(Json& object, const std::string& key, std::string_view name) {
  object[key] = std::string(name);
  if (!is_utf8(name)) object[key + "_base64"] = base64(name);
}

void print_json(const Json& document) {
  print(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace hookcore::cli
