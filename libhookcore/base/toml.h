#pragma once

#include <string>
#include <string_view>

/// toml++, configured once for the whole project. Every use goes through this header: two
/// configurations in one program would be two parsers, or worse, one of either.

/// Broken input ("[[[") trips an assertion of toml++ 3.3 right before it reports the error.
#define TOML_ASSERT(expression) static_assert(true)
/// We read TOML and never write it.
#define TOML_ENABLE_FORMATTERS 0
/// Otherwise one number in a document would bring streams and locales into every hook: a megabyte,
/// which costs its start a twentieth.
#define TOML_FLOAT_CHARCONV 1

#include <toml++/toml.h>

namespace hookcore {

/// Text that isn't TOML, as parse_toml throws it; callers say which file and what to do.
struct TomlError {
  std::string what;
  unsigned line = 0;
};

/// toml::parse for text that may be hostile. Refuses by itself what toml++ 3.3 has undefined
/// behaviour for: characters beyond ASCII outside of strings and comments.
toml::table parse_toml(std::string_view text);

}  // namespace hookcore
