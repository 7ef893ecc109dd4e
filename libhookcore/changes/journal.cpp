#include "libhookcore/changes/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::changes {
namespace {

constexpr const char* kName = "applied";
constexpr size_t kMaxBytes = size_t{1} << 30;

Journal::Key key_of(const struct ::stat& status) {
  return {status.st_dev, status.st_ino, status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
}

Journal::Object object_of(const struct ::stat& status) { return {status.st_dev, status.st_ino}; }

// A number and what stands behind it.
template <typename Number>
bool take(std::string_view& line, Number& number, char behind) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (error != std::errc() || end == line.data() + line.size() || *end != behind) return false;
  line.remove_prefix(static_cast<size_t>(end - line.data()) + 1);
  return true;
}

}  // namespace

Journal::Journal(int session_fd)
    : file_(sys::open_at(session_fd, kName, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW,
                         sys::Resolve::kStrict, 0600)) {
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(Code::kSession, "another apply is at work on this session", "",
                "wait until it has ended");
  }
  const std::string text = sys::read_all(file_.get(), kMaxBytes, kName);
  contents_ = parse(text);
  // Half a line that a kill has left would spoil the next one.
  const size_t whole = text.rfind('\n') + 1;
  if (whole != text.size() && ::ftruncate(file_.get(), static_cast<off_t>(whole)) != 0) {
    throw SystemError("ftruncate", kName, errno, Code::kSession);
  }
}

Journal::Contents Journal::parse(std::string_view text) {
  Contents contents;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    std::string_view line = text.substr(0, end + 1);
    Key key;
    auto& [device, inode, seconds, nanoseconds] = key;
    text.remove_prefix(end + 1);
    if (!take(line, device, ' ')) continue;
    if (take(line, inode, '\n')) {
      contents.begun.emplace(device, inode);
    } else if (take(line, inode, ' ') && take(line, seconds, ' ') &&
               take(line, nanoseconds, '\n')) {
      contents.known.insert(key);
      contents.begun.erase({device, inode});
    }
  }
  return contents;
}

bool Journal::knows(const struct ::stat& status) const {
  return contents_.known.contains(key_of(status)) || contents_.begun.contains(object_of(status));
}

void Journal::begin(const struct ::stat& status) {
  if (!contents_.begun.insert(object_of(status)).second) return;
  sys::write_all(file_.get(),
                 std::to_string(status.st_dev) + " " + std::to_string(status.st_ino) + "\n", kName);
}

void Journal::add(const struct ::stat& status) {
  const bool begun = contents_.begun.erase(object_of(status)) > 0;
  if (!contents_.known.insert(key_of(status)).second && !begun) return;
  sys::write_all(file_.get(),
                 std::to_string(status.st_dev) + " " + std::to_string(status.st_ino) + " " +
                     std::to_string(status.st_ctim.tv_sec) + " " +
                     std::to_string(status.st_ctim.tv_nsec) + "\n",
                 kName);
}

}  // namespace hookcore::changes
