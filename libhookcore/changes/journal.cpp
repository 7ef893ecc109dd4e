#include "libhookcore/changes/journal.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::changes {
namespace {

constexpr const char* kName = "applied";
constexpr size_t kMaxBytes = size_t{1} << 30;

}  // namespace

Journal::Journal(int session_fd)
    : file_(sys::open_at(session_fd, kName, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW,
                         sys::Resolve::kStrict, 0600)) {
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(Code::kSession, "another apply is at work on this session", "",
                "wait until it has ended");
  }
  const std::string text = sys::read_all(file_.get(), kMaxBytes, kName);
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) break;  // cut off by a kill
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
    // NOLINTNEXTLINE(cert-err34-c): our own file; a number too large matches nothing
    if (std::sscanf(text.c_str() + at, "%" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64, &device,
                    &inode, &seconds, &nanoseconds) == 4) {
      known_.emplace(device, inode, seconds, nanoseconds);
    }
    at = end + 1;
  }
}

Journal::Key Journal::key(const struct ::stat& status) {
  return {status.st_dev, status.st_ino, status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
}

void Journal::add(const struct ::stat& status) {
  if (!known_.insert(key(status)).second) return;
  sys::write_all(file_.get(),
                 std::to_string(status.st_dev) + " " + std::to_string(status.st_ino) + " " +
                     std::to_string(status.st_ctim.tv_sec) + " " +
                     std::to_string(status.st_ctim.tv_nsec) + "\n",
                 kName);
}

}  // namespace hookcore::changes
