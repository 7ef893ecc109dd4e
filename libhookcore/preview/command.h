#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace hookcore::preview {

/// How a command is started.
struct Command {
  std::vector<std::string> words;
  std::string directory;             ///< shown to it as PWD
  bool output_to_stderr = false;     ///< its stdout is our stderr
  std::function<int()> before_exec;  ///< in the child; async-signal-safe calls only; 0 or -errno
  std::function<void(pid_t)> started;
};

/// Throws Error(kUsage) when there is no such program in PATH. A name with a slash is left to
/// run().
void require_program(const std::string& name);

/// Runs it in our own process group, so that a terminal's keys reach it and a shell in it can do
/// job control. While it runs, SIGINT and SIGQUIT of a terminal are its business; SIGTERM, SIGHUP
/// and what other processes send are passed on. Returns its exit code, or 128 and the number of the
/// signal that ended it.
int run_command(const Command& command);

}  // namespace hookcore::preview
