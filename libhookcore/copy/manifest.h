#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "libhookcore/sys/fd.h"

/// What a copy was made of, written down while it is made: the only way to tell later what the
/// container changed from what was changed in the source meanwhile.
namespace hookcore::copy {

/// A point of the clock by which file systems date changes.
struct Stamp {
  int64_t seconds = 0;
  int64_t nanoseconds = 0;
  bool operator==(const Stamp&) const = default;
  bool operator>(const Stamp& other) const {
    return seconds != other.seconds ? seconds > other.seconds : nanoseconds > other.nanoseconds;
  }
  bool operator<=(const Stamp& other) const { return !(*this > other); }
};

inline Stamp stamp_of(const struct ::timespec& time) { return {time.tv_sec, time.tv_nsec}; }

/// One entry, as the source had it. It was not changed while it was copied: changed dates what was
/// copied.
struct Record {
  mode_t mode = 0;  ///< with the type
  uint64_t size = 0;
  uint64_t device = 0;
  uint64_t inode = 0;  ///< 0: not of the source, but made to be mounted on
  Stamp changed;       ///< ctime
  uint64_t copy_inode = 0;
  bool owner_kept = true;  ///< false: the copy has an owner of ours, there was no right to set it
  bool operator==(const Record&) const = default;

  /// This entry of the source is what was copied, and as it was.
  bool is_of(const struct ::stat& source) const;
};

/// Appends to a file. Thread-safe.
class ManifestWriter {
 public:
  /// fd: an empty file, which outlives this object.
  explicit ManifestWriter(int fd);
  void add(const std::string& path, const Record& record);
  /// The last step: whatever dates itself later than this was changed after the copy was complete.
  /// Waits for the clock to pass that moment.
  void finish();

 private:
  void append(std::string_view text);
  void flush();

  int fd_;
  std::mutex mutex_;
  std::string pending_;
  uint64_t records_ = 0;
};

class Manifest {
 public:
  /// nullopt for anything that isn't a whole manifest.
  static std::optional<Manifest> parse(std::string_view text);
  /// Reads the file of a complete copy. Throws Error(kSession) when it isn't whole.
  static Manifest read(int fd);

  using Names = std::map<std::string, Record, std::less<>>;
  /// What was in a directory, by name; "" is the root.
  const Names& in(const std::string& directory) const;
  /// Nothing in the copy that is dated so or earlier was changed since it was complete.
  const Stamp& finished() const { return finished_; }
  uint64_t size() const { return size_; }
  /// As ManifestWriter has it, but for the order.
  std::string format() const;

 private:
  std::map<std::string, Names, std::less<>> directories_;
  Names none_;
  Stamp finished_;
  uint64_t size_ = 0;
};

}  // namespace hookcore::copy
