#pragma once

#include <string>
#include <string_view>

#include "libhookcore/node/base_spec.h"

/// Our runtime handler in containerd's config.toml. It stands in a marked block at the file's end:
/// a file of `imports` would replace the whole CRI section of the administrator's (containerd 1.x).
namespace hookcore::node {

struct Handler {
  std::string name = "cnb";
  std::string base_spec;  ///< path on the host
  std::string based_on;   ///< a handler whose type and options ours takes; empty: the default
  Door door = Door::kNri;
};

/// text with our block, in the place of an older one; everything else stays as it is. Empty text
/// (no file) gives a file of version 2, which 1.6 to 2.x read. Throws Error(kSettings) for text
/// that isn't TOML, for a version below 2, for a handler of this name that somebody else defined,
/// and where tables are written in a way that can't be added to.
std::string with_handler(std::string_view text, const Handler& handler);

/// text without our block; text itself when it has none.
std::string without_handler(std::string_view text);

}  // namespace hookcore::node
