#include "libhookcore/session/way_book.h"

#include <fcntl.h>

#include <algorithm>

#include "libhookcore/base/text.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/sys/file.h"

namespace hookcore::session {
namespace {

/// The oldest lines go: a machine may mount and unmount for as long as it likes.
constexpr size_t kMaxFile = 32768;
constexpr std::string_view kWorks = "works";

// A device number may be given again after an unmount: the type tells most of those cases apart.
std::string file_system(int fd) {
  return std::to_string(sys::stat_fd(fd, "file system").st_dev) + ":" +
         std::to_string(sys::filesystem_type(fd));
}

}  // namespace

WayBook::WayBook(int store_fd, const std::string& boot_id, int source_fd, int scratch_fd,
                 bool user_xattr)
    : store_fd_(store_fd),
      boot_id_(boot_id),
      pair_(boot_id + " " + file_system(source_fd) + " " + file_system(scratch_fd) +
            (user_xattr ? " user " : " trusted ")) {}

std::string WayBook::read() const {
  const int fd = sys::open_at_raw(store_fd_, kWayBookFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
                                  sys::Resolve::kStrict);
  if (fd < 0) return {};
  const sys::UniqueFd file(fd);
  try {
    return sys::read_all(file.get(), 2 * kMaxFile, kWayBookFile);
  } catch (const Error&) {
    return {};
  }
}

std::optional<WayBook::Outcome> WayBook::find(Way way) const {
  if (boot_id_.empty()) return std::nullopt;
  const std::string text = read();
  const std::string wanted = prefix(way);
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = take_line(rest);
    if (!line.starts_with(wanted)) continue;
    const std::string_view said = line.substr(wanted.size());
    if (said == kWorks) return Outcome{true, {}};
    return Outcome{false, std::string(said)};
  }
  return std::nullopt;
}

void WayBook::note(Way way, const Outcome& outcome) const {
  if (boot_id_.empty()) return;
  std::string said = outcome.works ? std::string(kWorks) : outcome.reason;
  std::replace(said.begin(), said.end(), '\n', ' ');
  std::string text = prefix(way) + said + "\n";
  const std::string old = read();
  for (std::string_view rest = old; !rest.empty() && text.size() < kMaxFile;) {
    const std::string_view line = take_line(rest);
    if (!line.starts_with(boot_id_) || line.starts_with(prefix(way))) continue;
    text.append(line).append("\n");
  }
  try {
    sys::replace_file(store_fd_, kWayBookFile, text, 0600, sys::Durability::kCrash);
  } catch (const Error&) {
    // Then the next container tries again.
  }
}

}  // namespace hookcore::session
