#pragma once

/// toml++, configured once for the whole project. Every use goes through this header: two
/// configurations in one program would be two parsers, or worse, one of either.

/// Broken input ("[[[") trips an assertion of toml++ 3.3 right before it reports the error.
#define TOML_ASSERT(expression) static_assert(true)
/// We read TOML and never write it.
#define TOML_ENABLE_FORMATTERS 0

#include <toml++/toml.h>
