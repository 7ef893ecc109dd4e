#include "libhookcore/copy/manifest.h"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <ctime>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::copy {
namespace {

// Records end in NUL, the one byte that no path has.
constexpr std::string_view kHeader = "oci-cnb copy 1";
constexpr std::string_view kEnd = "end ";
constexpr size_t kFlushAt = size_t{64} << 10;
constexpr size_t kMaxManifest = size_t{4} << 30;

std::string format_record(std::string_view path, const Record& record) {
  std::array<char, 192> text{};
  const int length = std::snprintf(
      text.data(), text.size(),
      "%o %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRIu64 " %d ", record.mode,
      record.size, record.device, record.inode, record.changed.seconds, record.changed.nanoseconds,
      record.copy_inode, record.owner_kept ? 1 : 0);
  std::string line(text.data(), static_cast<size_t>(length));
  line.append(path).push_back('\0');
  return line;
}

std::string format_end(const Stamp& finished, uint64_t records) {
  std::string line(kEnd);
  line.append(std::to_string(finished.seconds)).append(" ");
  line.append(std::to_string(finished.nanoseconds)).append(" ");
  line.append(std::to_string(records)).push_back('\0');
  return line;
}

/// Takes numbers off the front of a line, each with the blank behind it.
class Numbers {
 public:
  explicit Numbers(std::string_view line) : rest_(line) {}

  template <typename Number>
  Numbers& take(Number& number, int base = 10) {
    const char* const end = rest_.data() + rest_.size();
    const auto [stop, error] = std::from_chars(rest_.data(), end, number, base);
    ok_ = ok_ && error == std::errc() && (stop == end || *stop == ' ');
    if (ok_) rest_.remove_prefix(static_cast<size_t>(stop - rest_.data()) + (stop == end ? 0 : 1));
    return *this;
  }
  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

Stamp now(clockid_t clock) {
  struct ::timespec time {};
  ::clock_gettime(clock, &time);
  return stamp_of(time);
}

// Files are dated by a clock that runs behind by up to a tick (time(7), CLOCK_REALTIME_COARSE).
Stamp pass_a_tick() {
  const Stamp moment = now(CLOCK_REALTIME);
  constexpr struct ::timespec kPause { 0, 500'000 };
  // Bounded: the clock may be set back at this very moment.
  for (int left = 400; left > 0 && now(CLOCK_REALTIME_COARSE) <= moment; --left) {
    ::nanosleep(&kPause, nullptr);
  }
  return moment;
}

}  // namespace

bool Record::is_of(const struct ::stat& source) const {
  const bool same_object = inode != 0 && inode == source.st_ino && mode == source.st_mode;
  return same_object && (S_ISDIR(mode) || changed == stamp_of(source.st_ctim));
}

ManifestWriter::ManifestWriter(int fd) : fd_(fd), pending_(kHeader) { pending_.push_back('\0'); }

void ManifestWriter::add(const std::string& path, const Record& record) {
  const std::string line = format_record(path, record);
  const std::lock_guard lock(mutex_);
  ++records_;
  append(line);
}

void ManifestWriter::append(std::string_view text) {
  pending_.append(text);
  if (pending_.size() >= kFlushAt) flush();
}

void ManifestWriter::flush() {
  sys::write_all(fd_, pending_, "the copy's manifest");
  pending_.clear();
}

void ManifestWriter::finish() {
  const std::lock_guard lock(mutex_);
  append(format_end(pass_a_tick(), records_));
  flush();
}

std::optional<Manifest> Manifest::parse(std::string_view text) {
  Manifest manifest;
  const auto next = [&text]() -> std::optional<std::string_view> {
    const size_t end = text.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
  };
  if (next() != kHeader) return std::nullopt;
  while (const auto line = next()) {
    if (line->starts_with(kEnd)) {
      Numbers numbers(line->substr(kEnd.size()));
      uint64_t records = 0;
      numbers.take(manifest.finished_.seconds).take(manifest.finished_.nanoseconds).take(records);
      const bool whole = numbers.ok() && numbers.rest().empty() && text.empty();
      if (!whole || records != manifest.size_) return std::nullopt;
      return manifest;
    }
    Record record;
    int owner_kept = 0;
    Numbers numbers(*line);
    numbers.take(record.mode, 8).take(record.size).take(record.device).take(record.inode);
    numbers.take(record.changed.seconds).take(record.changed.nanoseconds);
    numbers.take(record.copy_inode).take(owner_kept);
    record.owner_kept = owner_kept == 1;
    const std::string_view path = numbers.rest();
    if (!numbers.ok() || path.empty() || owner_kept < 0 || owner_kept > 1) return std::nullopt;
    const size_t slash = path.rfind('/');
    const bool top = slash == std::string_view::npos;
    Names& names = manifest.directories_[top ? "" : std::string(path.substr(0, slash))];
    if (!names.emplace(top ? path : path.substr(slash + 1), record).second) return std::nullopt;
    ++manifest.size_;
  }
  return std::nullopt;
}

Manifest Manifest::read(int fd) {
  auto manifest = parse(sys::read_all(fd, kMaxManifest, "the copy's manifest", Code::kSession));
  if (!manifest) {
    throw Error(Code::kSession, "the manifest of the session's copy is damaged", "",
                "remove the session (`oci-cnb session rm`) and start its container again");
  }
  return std::move(*manifest);
}

const Manifest::Names& Manifest::in(const std::string& directory) const {
  const auto found = directories_.find(directory);
  return found == directories_.end() ? none_ : found->second;
}

std::string Manifest::format() const {
  std::string text(kHeader);
  text.push_back('\0');
  for (const auto& [directory, names] : directories_) {
    for (const auto& [name, record] : names) {
      std::string path = directory;
      if (!path.empty()) path += '/';
      text.append(format_record(path.append(name), record));
    }
  }
  return text.append(format_end(finished_, size_));
}

}  // namespace hookcore::copy
