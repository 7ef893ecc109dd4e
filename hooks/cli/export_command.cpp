#include "hooks/cli/export_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "hooks/cli/subordinate_ids.h"
#include "libhookcore/base/error.h"
#include "libhookcore/base/text.h"
#include "libhookcore/changes/export.h"

namespace hookcore::cli {
namespace {

/// Archives are written in pieces of this size.
constexpr size_t kPiece = size_t{1} << 20;

std::optional<int64_t> source_date_epoch() {
  const char* const text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr || *text == '\0') return std::nullopt;
  const std::string_view digits(text);
  const auto seconds = parse_number<int64_t>(digits);
  if (seconds && *seconds >= 0) return seconds;
  throw Error(Code::kUsage, "not a number of seconds: " + quote(digits), "SOURCE_DATE_EPOCH");
}

class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}
  void put(std::string_view bytes) {
    buffer_.append(bytes);
    if (buffer_.size() >= kPiece) flush();
  }
  void flush() {
    sys::write_all(fd_, buffer_, "archive");
    buffer_.clear();
  }

 private:
  int fd_;
  std::string buffer_;
};

changes::ExportOptions::IdMap id_map(const std::vector<std::array<uint32_t, 3>>& ranges) {
  changes::ExportOptions::IdMap map;
  for (const auto& [inside, outside, count] : ranges) map.push_back({inside, outside, count});
  return map;
}

std::vector<std::string> write_layer(const changes::Subject& subject, int fd) {
  Output output(fd);
  changes::ExportOptions options;
  options.latest_time = source_date_epoch();
  // A plain user's containers know him as their root, and his subordinate ids as the others.
  if (::geteuid() != 0) {
    auto [uids, gids] = own_id_maps();
    options.uids.push_back(std::move(uids));
    options.gids.push_back(std::move(gids));
  }
  options.uids.push_back(id_map(subject.state.origin.uids));
  options.gids.push_back(id_map(subject.state.origin.gids));
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  options.progress = [terminal](uint64_t entries) {
    if (!terminal || entries % 1000 != 0) return;
    std::fprintf(stderr, "\r%llu entries", static_cast<unsigned long long>(entries));
  };
  auto problems = changes::export_layer(subject.layers, options,
                                        [&](std::string_view bytes) { output.put(bytes); });
  output.flush();
  if (terminal) std::fputs("\r\033[K", stderr);
  return problems;
}

// The file is there when it is whole, and not before.
std::vector<std::string> write_file(const changes::Subject& subject, const std::string& file) {
  const std::string temporary = file + "." + std::to_string(::getpid()) + ".part";
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  const int fd = sys::open_at_raw(AT_FDCWD, temporary, kFlags, sys::Resolve::kHost, 0666);
  if (fd < 0) throw SystemError("open", temporary, -fd);
  const sys::UniqueFd out(fd);
  try {
    auto problems = write_layer(subject, fd);
    if (::fsync(fd) != 0) throw SystemError("fsync", file, errno);
    if (::rename(temporary.c_str(), file.c_str()) != 0) throw SystemError("rename", file, errno);
    return problems;
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

}  // namespace

bool export_changes(const changes::Subject& subject, const std::string& file) {
  if (file.empty() && ::isatty(STDOUT_FILENO) == 1) {
    throw Error(Code::kUsage, "an archive isn't for a terminal", "stdout",
                "use -o FILE, or a pipe");
  }
  const auto problems =
      file.empty() ? write_layer(subject, STDOUT_FILENO) : write_file(subject, file);
  for (const std::string& problem : problems) {
    std::fprintf(stderr, "oci-cnb: left out: %s\n", problem.c_str());
  }
  return problems.empty();
}

}  // namespace hookcore::cli
