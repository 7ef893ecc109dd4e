#include "libhookcore/runtime/failure.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "libhookcore/base/error.h"
#include "libhookcore/oci/json.h"
#include "libhookcore/sys/file.h"

namespace hookcore::runtime {

namespace {

std::string timestamp(std::time_t now) {
  struct tm utc {};
  ::gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const size_t length = ::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text.data(), length};
}

/// The file of --log; empty where the log is none (crun's journald: and syslog:).
std::string log_file(const Invocation& invocation, Dialect dialect) {
  constexpr std::string_view kFile = "file:";
  std::string_view log = invocation.log.value_or("");
  if (dialect == Dialect::kGetopt) {
    if (log.starts_with(kFile)) return std::string(log.substr(kFile.size()));
    if (log.starts_with("journald:") || log.starts_with("syslog:")) return {};
  }
  return std::string(log);
}

}  // namespace

std::string log_line(Dialect dialect, bool json, std::string_view message, std::time_t now) {
  const std::string time = timestamp(now);
  if (json) {
    const std::string text = oci::json_string(message);
    return dialect == Dialect::kGo
               ? "{\"level\":\"error\",\"msg\":" + text + ",\"time\":\"" + time + "\"}"
               : "{\"msg\":" + text + ",\"level\":\"error\",\"time\":\"" + time + "\"}";
  }
  if (dialect == Dialect::kGetopt) return time + ": " + std::string(message);
  return "time=\"" + time + "\" level=error msg=" + oci::json_string(message);
}

void tell_engine(const Invocation& invocation, Dialect dialect, std::string_view message) {
  const std::string path = log_file(invocation, dialect);
  if (path.empty()) return;
  try {
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK;
    const sys::UniqueFd file = sys::open_at(AT_FDCWD, path, flags, sys::Resolve::kHost, 0644);
    const bool json = invocation.log_format == "json";
    sys::write_all(file.get(), log_line(dialect, json, message, std::time(nullptr)) + "\n", path);
  } catch (const Error&) {
    return;
  }
}

}  // namespace hookcore::runtime
