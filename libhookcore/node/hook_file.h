#pragma once

#include <string>
#include <string_view>

namespace hookcore::node {

/// A file of hooks.d (oci-hooks(5), schema 1.0.0) that calls a hook of ours for containers with an
/// annotation of ours. program: its name in directory; stage: as the schema spells it.
std::string hook_file(std::string_view directory, std::string_view program, std::string_view stage);

}  // namespace hookcore::node
