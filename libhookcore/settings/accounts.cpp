#include "libhookcore/settings/accounts.h"

#include <array>

#include "libhookcore/base/text.h"

namespace hookcore::settings {
namespace {

template <size_t kCount>
std::array<std::string_view, kCount> fields_of(std::string_view line) {
  std::array<std::string_view, kCount> fields;
  for (std::string_view& field : fields) field = take_part(line, ':');
  return fields;
}

// NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL, without the last.
std::array<std::string_view, 6> find_user(std::string_view passwd, uid_t uid) {
  while (!passwd.empty()) {
    const auto fields = fields_of<6>(take_line(passwd));
    if (parse_number<uint32_t>(fields[2]) == uid) return fields;
  }
  return {};
}

}  // namespace

std::string home_directory(std::string_view passwd, uid_t uid) {
  const std::string_view home = find_user(passwd, uid)[5];
  return home.starts_with('/') ? std::string(home) : std::string();
}

std::string user_name(std::string_view passwd, uid_t uid) {
  return std::string(find_user(passwd, uid)[0]);
}

IdRanges granted_ids(std::string_view text, std::string_view name, uid_t uid) {
  IdRanges ranges;
  while (!text.empty()) {
    const auto [owner, start_text, count_text] = fields_of<3>(take_line(text));
    const auto start = parse_number<uint32_t>(start_text);
    const auto count = parse_number<uint32_t>(count_text);
    const bool meant = (!name.empty() && owner == name) || parse_number<uint32_t>(owner) == uid;
    if (meant && start && count) ranges.emplace_back(*start, *count);
  }
  return ranges;
}

}  // namespace hookcore::settings
