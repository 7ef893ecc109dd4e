#include "libhookcore/daemon/event_log.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <ctime>
#include <nlohmann/json.hpp>

namespace hookcore::daemon {
namespace {

std::string now() {
  struct timespec time {};
  ::clock_gettime(CLOCK_REALTIME, &time);
  struct tm utc {};
  ::gmtime_r(&time.tv_sec, &utc);
  std::array<char, 32> text{};
  const size_t length = ::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string thousandths = std::to_string(1000 + time.tv_nsec / 1000000).substr(1);
  return std::string(text.data(), length) + "." + thousandths + "Z";
}

// A pipe that is ready takes PIPE_BUF bytes at once.
bool write_at_once(const std::string& line) {
  struct pollfd ready {
    STDERR_FILENO, POLLOUT, 0
  };
  if (line.size() > PIPE_BUF || ::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
    return false;
  }
  return ::write(STDERR_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace

void EventLog::write(std::string_view level, std::string_view message, const Fields& fields) {
  nlohmann::ordered_json line;
  line["time"] = now();
  line["level"] = level;
  line["message"] = message;
  for (const auto& [key, value] : fields) line[std::string(key)] = value;
  // What pods are called is not ours to trust to be UTF-8.
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;
  if (!write_at_once(line.dump(-1, ' ', false, replace) + "\n")) ++dropped_;
}

}  // namespace hookcore::daemon
