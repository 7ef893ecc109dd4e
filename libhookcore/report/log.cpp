#include "libhookcore/report/log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "libhookcore/sys/file.h"

namespace hookcore::report {
namespace {

constexpr off_t kRotateBytes = 1 << 20;

struct LevelInfo {
  std::string_view name;
  int syslog_priority;  // sd-daemon(3)
};

LevelInfo level_info(Level level) {
  switch (level) {
    case Level::kError:
      return {"error", 3};
    case Level::kWarning:
      return {"warning", 4};
    case Level::kInfo:
      return {"info", 6};
    case Level::kDebug:
      return {"debug", 7};
  }
  return {"error", 3};
}

std::string timestamp() {
  struct timespec now {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  struct tm utc {};
  ::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 40> text{};
  const size_t length = ::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::string out(text.data(), length);
  const std::string milliseconds = std::to_string(now.tv_nsec / 1000000);
  return out + "." + std::string(3 - milliseconds.size(), '0') + milliseconds + "Z";
}

// systemd's native journal protocol: one datagram of KEY=value lines. Values have no newline here.
void send_to_journal(int priority, std::string_view program, std::string_view container,
                     std::string_view text) {
  const sys::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return;
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  static constexpr std::string_view kPath = "/run/systemd/journal/socket";
  kPath.copy(static_cast<char*>(address.sun_path), kPath.size());
  std::string message = "PRIORITY=" + std::to_string(priority) + "\nSYSLOG_IDENTIFIER=";
  message.append(program).append("\nMESSAGE=").append(text);
  if (!container.empty()) message.append("\nCONTAINER_ID=").append(container);
  message += "\n";
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): sockaddr is C's idea of a base
  // class
  const auto* generic = reinterpret_cast<const struct sockaddr*>(&address);
  static_cast<void>(::sendto(socket.get(), message.data(), message.size(), MSG_NOSIGNAL, generic,
                             sizeof address));
}

// A log that can't be written is no reason to fail.
void write_line(int fd, const std::string& line) {
  try {
    sys::write_all(fd, line, kLogFile);
  } catch (const SystemError&) {
    return;
  }
}

std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return out;
}

}  // namespace

Log::Log(std::string program, Opener opener)
    : program_(std::move(program)), opener_(std::move(opener)) {}

void Log::open() {
  if (opened_) return;
  opened_ = true;
  try {
    directory_ = opener_();
    if (!directory_) return;
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;
    file_ = sys::open_at(directory_.get(), kLogFile, flags, sys::Resolve::kStrict, 0600);
    if (sys::stat_fd(file_.get(), kLogFile).st_size > kRotateBytes) {
      const std::string old = std::string(kLogFile) + ".1";
      ::renameat(directory_.get(), kLogFile, directory_.get(), old.c_str());
      file_ = sys::open_at(directory_.get(), kLogFile, flags, sys::Resolve::kStrict, 0600);
    }
  } catch (const Error&) {
    file_.reset();
  }
}

// A word of its own in every line, and a field of the journal.
void Log::set_container(std::string_view id) {
  container_ = one_line(id);
  std::replace(container_.begin(), container_.end(), ' ', '_');
}

void Log::write(Level level, std::string_view text) {
  open();
  const std::string clean = one_line(text);
  const LevelInfo info = level_info(level);
  if (level != Level::kDebug) send_to_journal(info.syslog_priority, program_, container_, clean);
  if (!file_) return;
  std::string line = timestamp();
  line.append(" ").append(program_).append(" ").append(container_.empty() ? "-" : container_);
  if (!session_.empty()) line.append("@").append(session_);
  line.append(" ").append(info.name).append(" ").append(clean).append("\n");
  write_line(file_.get(), line);
}

void Log::failure(const Error& error) {
  const std::string line = one_line(error.line());
  const std::string shown = program_ + ": " + line + "\n";
  write_line(STDERR_FILENO, shown);
  write(Level::kError, line);
}

void Log::warning(std::string_view text) {
  const std::string shown = program_ + ": warning: " + one_line(text) + "\n";
  write_line(STDERR_FILENO, shown);
  write(Level::kWarning, text);
}

void Log::info(std::string_view text) { write(Level::kInfo, text); }

void Log::debug(std::string_view text) {
  if (debug_) write(Level::kDebug, text);
}

}  // namespace hookcore::report
