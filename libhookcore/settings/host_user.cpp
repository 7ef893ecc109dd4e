#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "libhookcore/base/text.h"
#include "libhookcore/settings/accounts.h"
#include "libhookcore/settings/settings.h"
#include "libhookcore/sys/file.h"

namespace hookcore::settings {

namespace {

/// /etc/passwd of a large site, and far above any uid_map (340 lines at most).
constexpr size_t kMaxFile = size_t{16} << 20;

/// The next number of a line whose numbers are separated by blanks.
std::optional<uint32_t> take_number(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc()) return std::nullopt;
  line.remove_prefix(static_cast<size_t>(end - line.data()));
  return value;
}

}  // namespace

uid_t outside_uid(std::string_view uid_map, uid_t uid) {
  while (!uid_map.empty()) {
    std::string_view line = take_line(uid_map);
    const auto inside = take_number(line);
    const auto outside = take_number(line);
    const auto size = take_number(line);
    if (inside && outside && size && uid >= *inside && uid - *inside < *size) {
      return *outside + (uid - *inside);
    }
  }
  return uid;
}

HostUser find_host_user() {
  const uid_t euid = ::geteuid();
  const sys::UniqueFd root = sys::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, sys::Resolve::kHost);
  if (euid == 0 && sys::stat_fd(root.get(), "/").st_uid == 0) return {0, true, {}};

  HostUser user{euid, false, {}};
  const auto read = [](const char* path) {
    const auto file = sys::try_open_at(AT_FDCWD, path, O_RDONLY, sys::Resolve::kHost);
    return file ? sys::read_all(file->get(), kMaxFile, path) : std::string();
  };
  user.uid = outside_uid(read("/proc/self/uid_map"), euid);
  user.home = home_directory(read("/etc/passwd"), user.uid);
  return user;
}

}  // namespace hookcore::settings
