#include "tests/bench/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace bench {
namespace {

using namespace hookcore;

struct Pipe {
  Pipe() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw SystemError("pipe2", "", errno);
    read_end.reset(fds[0]);
    write_end.reset(fds[1]);
  }
  sys::UniqueFd read_end;
  sys::UniqueFd write_end;
};

double now_ms() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// As a runtime starts a hook: the state on a pipe, next to nothing in the environment.
class Start {
 public:
  explicit Start(const Command& command) {
    for (const std::string& word : command.words) {
      arguments_.push_back(const_cast<char*>(word.c_str()));
    }
    arguments_.push_back(nullptr);
    sys::write_all(input_.write_end.get(), command.input, "pipe");
    input_.write_end.reset();
  }
  char* const* arguments() const { return arguments_.data(); }
  char* const* environment() { return environment_.data(); }
  int input() const { return input_.read_end.get(); }

 private:
  Pipe input_;
  std::vector<char*> arguments_;
  std::string path_ = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment_{path_.data(), nullptr};
};

pid_t spawn(Start& start, int output) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, start.input(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, start.arguments()[0], &actions, nullptr, start.arguments(),
                                  start.environment());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw SystemError("posix_spawn", start.arguments()[0], error);
  return pid;
}

void require_success(int status, const Command& command) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  throw Error(Code::kSystem, "a measured program failed, wait status " + std::to_string(status),
              quote(command.words.front()));
}

void wait_for(pid_t pid, const Command& command) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  require_success(status, command);
}

uint64_t peak_kib(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/status";
  const sys::UniqueFd file = sys::open_at(AT_FDCWD, path, O_RDONLY, sys::Resolve::kHost);
  const std::string text = sys::read_all(file.get(), 1 << 16, path);
  const size_t at = text.find("VmHWM:");
  if (at == std::string::npos) return 0;
  const size_t digit = text.find_first_of("0123456789", at);
  uint64_t kib = 0;
  std::from_chars(text.data() + digit, text.data() + text.size(), kib);
  return kib;
}

[[noreturn]] void become_traced(Start& start) {
  ::dup2(start.input(), STDIN_FILENO);
  ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  ::raise(SIGSTOP);
  ::execve(start.arguments()[0], start.arguments(), start.environment());
  ::_exit(127);
}

void set_trace_options(pid_t pid) {
  constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
                            PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  if (::ptrace(PTRACE_SETOPTIONS, pid, nullptr, kOptions) != 0) {
    throw SystemError("ptrace", "options", errno);
  }
}

// The signal that a stopped thread is to be given: none for the stops that are ptrace's own.
long pending_signal(int status) {
  const int signal = WSTOPSIG(status);
  const bool own = signal == SIGTRAP || signal == (SIGTRAP | 0x80) || signal == SIGSTOP;
  return own ? 0 : signal;
}

}  // namespace

Undisturbed::Undisturbed() {
  struct sched_param priority {};
  priority.sched_priority = 1;
  if (::sched_setscheduler(0, SCHED_FIFO, &priority) != 0) {
    std::fprintf(stderr, "no real-time priority here: a busy machine is measured as well\n");
  }
}

Undisturbed::~Undisturbed() {
  const struct sched_param none {};
  static_cast<void>(::sched_setscheduler(0, SCHED_OTHER, &none));
}

double run(const Command& command) {
  Start start(command);
  const sys::UniqueFd output(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const double begin = now_ms();
  wait_for(spawn(start, output.get()), command);
  return now_ms() - begin;
}

std::string output_of(const Command& command) {
  Start start(command);
  Pipe output;
  const pid_t pid = spawn(start, output.write_end.get());
  output.write_end.reset();
  std::string text = sys::read_all(output.read_end.get(), 1 << 20, "pipe");
  wait_for(pid, command);
  return text;
}

Trace trace(const Command& command, TraceMode mode) {
  Start start(command);
  const pid_t leader = ::fork();
  if (leader < 0) throw SystemError("fork", "", errno);
  if (leader == 0) become_traced(start);
  int status = 0;
  ::waitpid(leader, &status, 0);
  set_trace_options(leader);
  ::ptrace(PTRACE_CONT, leader, nullptr, 0L);

  Trace result;
  bool started = false;
  uint64_t stops = 0;
  while (true) {
    const pid_t pid = ::waitpid(-1, &status, __WALL);
    if (pid < 0) throw SystemError("waitpid", "", errno);
    if (!WIFSTOPPED(status)) {
      if (pid != leader) continue;
      require_success(status, command);
      break;
    }
    const int event = status >> 16;
    if (event == PTRACE_EVENT_EXEC) started = true;
    if (event == PTRACE_EVENT_EXIT && pid == leader) result.peak_kib = peak_kib(pid);
    if (started && WSTOPSIG(status) == (SIGTRAP | 0x80)) ++stops;
    if (started && event == 0 && WSTOPSIG(status) == SIGTRAP) ++result.instructions;
    const bool step =
        started && pid == leader && mode == TraceMode::kInstructions && event != PTRACE_EVENT_EXIT;
    const auto request = step                           ? PTRACE_SINGLESTEP
                         : mode == TraceMode::kSyscalls ? PTRACE_SYSCALL
                                                        : PTRACE_CONT;
    ::ptrace(request, pid, nullptr, pending_signal(status));
  }
  // Each call stops at its entry and its return; exit_group has no return.
  result.syscalls = (stops + 1) / 2;
  return result;
}

double median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

}  // namespace bench
