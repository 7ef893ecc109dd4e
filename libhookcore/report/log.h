#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::report {

enum class Level { kError, kWarning, kInfo, kDebug };

/// Where a hook says what it did: DIRECTORY/hooks.log for `oci-cnb session log` (crun drops a
/// hook's stderr), the journal where there is one, and stderr. Nothing is opened until there is
/// something to log. A line is one write(2) to an O_APPEND file, or, where the kernel takes a part
/// of it, as many as it needs; the file is rotated to hooks.log.1 at 1 MiB. Never throws: a log
/// that can't be written must not fail a container.
class Log {
 public:
  /// opener: gives the directory of hooks.log (ours, mode 0700), or an empty descriptor when there
  /// is none. Called at most once, when the first line is written.
  using Opener = std::function<sys::UniqueFd()>;
  Log(std::string program, Opener opener);

  /// Lines from here on name this container.
  void set_container(std::string_view id);
  /// And this session, whose containers come and go: CONTAINER@SESSION.
  void set_session(std::string_view name) { session_ = name; }
  void set_debug(bool debug) { debug_ = debug; }
  bool debug_enabled() const { return debug_; }
  /// Another opener, for a caller that is about to enter a namespace where the first would not find
  /// the way. Without effect once a line has been written.
  void set_opener(Opener opener) { opener_ = std::move(opener); }

  /// The failure that ends the program: "PROGRAM: CODE: what; where; what to do" on stderr as well.
  void failure(const Error& error);
  /// A violated guarantee under enforce=warn, a fallback taken. On stderr as well.
  void warning(std::string_view text);
  void info(std::string_view text);
  /// Only with `io.cnb.hooks.log=debug`.
  void debug(std::string_view text);

 private:
  void open();
  void write(Level level, std::string_view text);

  std::string program_;
  Opener opener_;
  std::string container_;
  std::string session_;
  bool debug_ = false;
  bool opened_ = false;
  sys::UniqueFd directory_;
  sys::UniqueFd file_;
};

inline constexpr const char* kLogFile = "hooks.log";

}  // namespace hookcore::report
