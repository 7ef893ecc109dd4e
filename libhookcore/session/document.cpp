#include "libhookcore/session/document.h"

namespace hookcore::session {

std::optional<nlohmann::json> parse_document(std::string_view text) {
  using Json = nlohmann::json;
  bool whole = true;
  const auto look = [&](int, Json::parse_event_t event, const Json& value) {
    whole = whole && !(event == Json::parse_event_t::value && value.is_number_float());
    return true;
  };
  Json json = Json::parse(text, look, false);
  if (!whole || !json.is_object()) return std::nullopt;
  return json;
}

}  // namespace hookcore::session
