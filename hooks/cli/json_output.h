#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

/// What --json prints.
namespace hookcore::cli {

/// Members stay in the order in which they were put there.
using Json = nlohmann::ordered_json;

/// Adds a name to a JSON object: `key`, and where it isn't UTF-8 `key_base64` with its exact bytes
/// (`key` then holds U+FFFD for each byte that isn't).
void put_name(Json& object, const std::string& key, std::string_view name);

void print_json(const Json& document);

}  // namespace hookcore::cli
