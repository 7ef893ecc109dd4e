#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What passwd(5), subuid(5) and subgid(5) say of a user, by the text of the files: a static
/// program has no NSS.
namespace hookcore::settings {

/// Empty where passwd has no uid, or no absolute path for it.
std::string home_directory(std::string_view passwd, uid_t uid);

/// Empty where passwd has no uid.
std::string user_name(std::string_view passwd, uid_t uid);

/// START and COUNT of ids of the host.
using IdRanges = std::vector<std::pair<uint32_t, uint32_t>>;

/// What the lines of subuid(5), or subgid(5), grant to a user: by name, which may be empty, or by
/// number.
IdRanges granted_ids(std::string_view text, std::string_view name, uid_t uid);

}  // namespace hookcore::settings
