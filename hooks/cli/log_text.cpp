#include "hooks/cli/log_text.h"

#include <fcntl.h>

#include <functional>
#include <set>
#include <string_view>

#include "libhookcore/base/text.h"
#include "libhookcore/report/log.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/session/naming.h"
#include "libhookcore/sys/file.h"

namespace hookcore::cli {
namespace {

std::string read_file(int directory, const std::string& file) {
  constexpr size_t kMaxLog = size_t{16} << 20;
  const auto fd = sys::try_open_at(directory, file, O_RDONLY | O_NOFOLLOW, sys::Resolve::kStrict);
  return fd ? sys::read_all(fd->get(), kMaxLog, file) : std::string();
}

void for_each_line(std::string_view text, const std::function<void(std::string_view)>& call) {
  while (!text.empty()) call(take_line(text));
}

struct About {
  std::string_view container;
  std::string_view session;  ///< empty: the container's own
};

// TIME PROGRAM CONTAINER[@SESSION] LEVEL TEXT
About about(std::string_view line) {
  for (int field = 0; field < 2; ++field) {
    take_part(line, ' ');
    if (line.empty()) return {};
  }
  const std::string_view word = take_part(line, ' ');
  const size_t at = word.find('@');
  if (at == std::string_view::npos) return {word, {}};
  return {word.substr(0, at), word.substr(at + 1)};
}

bool is_of_container(std::string_view container, std::string_view wanted) {
  if (wanted.starts_with(session::kContainerPrefix)) {
    wanted.remove_prefix(session::kContainerPrefix.size());
  }
  return container.starts_with(wanted);
}

}  // namespace

std::string read_log(const session::Store& store) {
  const sys::UniqueFd directory = store.log_directory();
  return read_file(directory.get(), std::string(report::kLogFile) + ".1") +
         read_file(directory.get(), report::kLogFile);
}

std::string select_log(const std::string& lines, const std::string& wanted) {
  if (wanted.empty()) return lines;
  std::set<std::string> sessions;
  for_each_line(lines, [&](std::string_view line) { sessions.emplace(about(line).session); });
  const auto session = session::pick(wanted, {sessions.begin(), sessions.end()});
  std::string text;
  for_each_line(lines, [&](std::string_view line) {
    const About one = about(line);
    const bool meant = session ? one.session == *session : is_of_container(one.container, wanted);
    if (meant) text.append(line).append("\n");
  });
  return text;
}

}  // namespace hookcore::cli
