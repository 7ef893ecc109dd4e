#include "libhookcore/base/toml.h"

#include <algorithm>

namespace hookcore {
namespace {

// toml++ shows the character that it stumbled over, which may be one that turns a line around.
std::string plain(std::string_view description) {
  const bool ascii = std::all_of(description.begin(), description.end(),
                                 [](char c) { return c >= ' ' && c <= '~'; });
  return ascii ? std::string(description) : "a character beyond ASCII outside of quotes";
}

}  // namespace

toml::table parse_toml(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw TomlError{plain(error.description()), error.source().begin.line};
  }
}

}  // namespace hookcore
