#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A tar archive as POSIX.1-2001 has it: ustar headers, and pax records for what doesn't fit into
/// one. Written here because an archive library brings a dozen compressors and their static
/// libraries with it, and its own idea of what an entry's header holds decides the digest.
namespace hookcore::changes {

struct TarHeader {
  std::string path;  ///< bytes, relative; a directory's ends in '/'
  char type = '0';   ///< POSIX typeflag: '0' file, '1' hard link, '2' link, '3' '4' '5' '6'
  mode_t mode = 0;
  uint64_t uid = 0;
  uint64_t gid = 0;
  uint64_t size = 0;
  int64_t mtime = 0;  ///< seconds since 1970
  std::string link;
  unsigned device_major = 0;
  unsigned device_minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;  ///< sorted by name
};

class TarWriter {
 public:
  /// Takes the archive in pieces; may throw.
  using Sink = std::function<void(std::string_view)>;
  explicit TarWriter(Sink sink) : sink_(std::move(sink)) {}

  /// Starts an entry; header.size bytes have to follow by data().
  void begin(const TarHeader& header);
  void data(std::string_view bytes);
  /// The end of the archive.
  void finish();

 private:
  void put_header(const TarHeader& header, std::string_view path, char type, uint64_t size);
  void pad();

  Sink sink_;
  uint64_t written_ = 0;
};

}  // namespace hookcore::changes
