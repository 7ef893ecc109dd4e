#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// A program to be started by its path, with what it finds on stdin.
struct Command {
  std::vector<std::string> words;
  std::string input;  ///< at most a pipe's capacity, 64 KiB
};

/// While it lives, this process and those that it starts run before all others (SCHED_FIFO): a hook
/// sleeps several times, and would wait for whatever else the machine does whenever it wakes up.
/// Changes nothing where that isn't allowed.
class Undisturbed {
 public:
  Undisturbed();
  ~Undisturbed();
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;
};

/// Starts command, waits for its end, and returns the wall time between in milliseconds. stdout
/// goes nowhere. Throws hookcore::Error when it fails.
double run(const Command& command);
/// The same, what it printed instead of the time.
std::string output_of(const Command& command);

/// What one run of a program did, seen by ptrace(2).
struct Trace {
  uint64_t syscalls = 0;      ///< of all its threads
  uint64_t peak_kib = 0;      ///< VmHWM (proc_pid_status(5))
  uint64_t instructions = 0;  ///< in user space, by the first thread
};
enum class TraceMode { kMemory, kSyscalls, kInstructions };
/// Runs command and counts; instructions are stepped through one by one, which takes seconds.
Trace trace(const Command& command, TraceMode mode);

double median(std::vector<double> samples);

}  // namespace bench
