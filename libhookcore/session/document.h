#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace hookcore::session {

/// An object as we write it; nullopt for any other text. Numbers are whole: nlohmann converts
/// others without a look at what the type can hold, which is undefined.
std::optional<nlohmann::json> parse_document(std::string_view text);

}  // namespace hookcore::session
