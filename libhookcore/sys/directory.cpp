#include "libhookcore/sys/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::sys {
namespace {

// linux_dirent64 of getdents64(2), by offsets: the records are packed into a byte buffer.
constexpr size_t kLengthOffset = 16;
constexpr size_t kTypeOffset = 18;
constexpr size_t kNameOffset = 19;

bool is_self_or_parent(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

}  // namespace

DirectoryReader::DirectoryReader() : buffer_(new char[kBufferBytes]) {}

void DirectoryReader::start(int fd) {
  fd_ = fd;
  position_ = filled_ = 0;
}

bool DirectoryReader::refill() {
  const long got = ::syscall(SYS_getdents64, fd_, buffer_.get(), kBufferBytes);
  if (got < 0 && errno != ENOENT) throw SystemError("getdents64", "a directory", errno);
  position_ = 0;
  filled_ = got > 0 ? static_cast<size_t>(got) : 0;
  return filled_ > 0;
}

bool DirectoryReader::next(Entry& entry) {
  for (;;) {
    if (position_ == filled_ && !refill()) return false;
    const char* record = buffer_.get() + position_;
    unsigned short length = 0;
    std::memcpy(&length, record + kLengthOffset, sizeof length);
    position_ += length;
    const char* name = record + kNameOffset;
    if (is_self_or_parent(name)) continue;
    entry.name = std::string_view(name);
    entry.type = static_cast<unsigned char>(record[kTypeOffset]);
    return true;
  }
}

int open_directory_at(int dirfd, const char* name) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = plain_openat(dirfd, name, kFlags | O_NOATIME);
  // The owner's privilege (open(2)).
  if (fd < 0 && errno == EPERM) fd = plain_openat(dirfd, name, kFlags);
  return fd >= 0 ? fd : -errno;
}

std::optional<unsigned char> entry_type_at(int dirfd, const char* name) {
  struct ::stat status = {};
  if (::fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) return std::nullopt;
    throw SystemError("fstatat", name, errno);
  }
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

}  // namespace hookcore::sys
