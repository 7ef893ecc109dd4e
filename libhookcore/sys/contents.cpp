#include "libhookcore/sys/contents.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "libhookcore/base/error.h"

namespace hookcore::sys {
namespace {

// Small enough that a second's copying is many pieces, and a signal is answered soon.
constexpr off_t kPiece = off_t{16} << 20;
constexpr size_t kBuffer = size_t{256} << 10;

struct Copy {
  int from;
  int to;
  std::string_view object;
  const std::function<void(uint64_t)>& copied;
};

// The kernel, or the file systems, have no such copy between these two.
bool is_unsupported(int error_number) {
  return error_number == EXDEV || error_number == EINVAL || error_number == ENOSYS ||
         error_number == EOPNOTSUPP || error_number == EPERM;
}

// Where it stopped.
off_t copy_in_kernel(const Copy& copy, off_t at, off_t end) {
  while (at < end) {
    off_t in = at;
    off_t out = at;
    const auto piece = static_cast<size_t>(std::min(end - at, kPiece));
    const ssize_t put = ::copy_file_range(copy.from, &in, copy.to, &out, piece, 0);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && !is_unsupported(errno)) {
      throw SystemError("copy_file_range", copy.object, errno);
    }
    // 0: the end, or a file system that doesn't tell (copy_file_range(2), BUGS).
    if (put <= 0) break;
    at += put;
    copy.copied(static_cast<uint64_t>(put));
  }
  return at;
}

void write_at(const Copy& copy, const char* bytes, size_t size, off_t at) {
  while (size > 0) {
    const ssize_t put = ::pwrite(copy.to, bytes, size, at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw SystemError("pwrite", copy.object, errno);
    bytes += put;
    size -= static_cast<size_t>(put);
    at += put;
  }
}

void copy_range(const Copy& copy, off_t begin, off_t end) {
  off_t at = copy_in_kernel(copy, begin, end);
  if (at == end) return;
  const std::unique_ptr<char[]> buffer(new char[kBuffer]);
  while (at < end) {
    const size_t wanted = std::min(static_cast<size_t>(end - at), kBuffer);
    const ssize_t got = ::pread(copy.from, buffer.get(), wanted, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError("pread", copy.object, errno);
    if (got == 0) return;
    write_at(copy, buffer.get(), static_cast<size_t>(got), at);
    at += got;
    copy.copied(static_cast<uint64_t>(got));
  }
}

void copy_data(const Copy& copy, off_t size) {
  for (off_t at = 0; at < size;) {
    off_t data = ::lseek(copy.from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole up to the end
    // A file system that knows no holes has none.
    off_t end = data < 0 ? size : ::lseek(copy.from, data, SEEK_HOLE);
    if (end < 0) end = size;
    if (data < 0) data = at;
    end = std::min(end, size);
    if (data < end) copy_range(copy, data, end);
    at = std::max(end, data);
  }
  if (::ftruncate(copy.to, size) != 0) throw SystemError("ftruncate", copy.object, errno);
}

}  // namespace

int clone_contents(int from, int to) { return ::ioctl(to, FICLONE, from) == 0 ? 0 : errno; }

void copy_contents(int from, int to, const CopyBounds& bounds, std::string_view object,
                   const std::function<void(uint64_t)>& copied) {
  const Copy copy{from, to, object, copied};
  const auto size = static_cast<off_t>(bounds.size);
  if (bounds.sparse) {
    copy_data(copy, size);
  } else {
    copy_range(copy, 0, size);
  }
}

}  // namespace hookcore::sys
