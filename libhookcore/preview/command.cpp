#include "libhookcore/preview/command.h"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <csignal>
#include <system_error>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::preview {
namespace {

namespace process = boost::process;

// Signals are read from a descriptor while it lives, so that no handler and no global is needed.
class SignalReader {
 public:
  SignalReader() {
    ::sigemptyset(&set_);
    for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&set_, number);
    ::sigprocmask(SIG_BLOCK, &set_, &old_);
    fd_.reset(::signalfd(-1, &set_, SFD_CLOEXEC));
    if (!fd_) {
      restore();
      throw SystemError("signalfd", "signals", errno);
    }
  }
  ~SignalReader() { restore(); }
  SignalReader(const SignalReader&) = delete;
  SignalReader& operator=(const SignalReader&) = delete;

  // In the child.
  void restore() const { ::sigprocmask(SIG_SETMASK, &old_, nullptr); }

  struct Signal {
    int number = 0;
    bool from_process = false;  ///< kill(2) and its like; not a key of the terminal
  };

  Signal next() const {
    struct signalfd_siginfo info {};
    while (::read(fd_.get(), &info, sizeof info) < 0) {
      if (errno != EINTR) throw SystemError("read", "signalfd", errno);
    }
    return {static_cast<int>(info.ssi_signo), info.ssi_code <= SI_USER};
  }

 private:
  sigset_t set_{};
  sigset_t old_{};
  sys::UniqueFd fd_;
};

bool has_slash(const std::string& name) { return name.find('/') != std::string::npos; }

std::string program_path(const std::string& name) {
  return has_slash(name) ? name : process::search_path(name).string();
}

[[noreturn]] void not_started(const std::string& name, const std::error_code& error) {
  throw SystemError("starting the command", name, error.value(), Code::kUsage);
}

// The terminal sends INT and QUIT to the command as well.
bool is_ours_to_pass_on(SignalReader::Signal signal) {
  const bool by_key = signal.number == SIGINT || signal.number == SIGQUIT;
  return signal.number != SIGCHLD && (!by_key || signal.from_process);
}

int wait_for(process::child& child, const SignalReader& signals) {
  while (true) {
    const SignalReader::Signal signal = signals.next();
    if (is_ours_to_pass_on(signal)) ::kill(child.id(), signal.number);
    std::error_code error;
    if (signal.number == SIGCHLD && !child.running(error)) break;
  }
  const int status = child.native_exit_code();
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

void require_program(const std::string& name) {
  if (has_slash(name) || !process::search_path(name).empty()) return;
  throw Error(Code::kUsage, "no such program in PATH", quote(name),
              "name the command after --, as for env(1)");
}

int run_command(const Command& command) {
  const SignalReader signals;
  process::environment environment = boost::this_process::environment();
  environment["PWD"] = command.directory;
  std::vector<std::string> arguments(command.words.begin() + 1, command.words.end());
  const pid_t parent = ::getpid();
  const auto in_child = [&](auto& executor) {
    signals.restore();
    if (command.output_to_stderr) ::dup2(STDERR_FILENO, STDOUT_FILENO);
    const int result = command.before_exec();
    if (result < 0) {
      executor.set_error(std::error_code(-result, std::system_category()),
                         "entering the workspace");
    }
    // Without us nobody would clean up behind it. After the namespaces: new credentials forget it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
  };
  std::error_code error;
  process::child child(program_path(command.words.front()), arguments, environment, error,
                       process::extend::on_exec_setup(in_child));
  if (error) not_started(command.words.front(), error);
  command.started(child.id());
  return wait_for(child, signals);
}

}  // namespace hookcore::preview
