#include "libhookcore/fuse/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "libhookcore/base/error.h"
#include "libhookcore/fuse/launch.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/report/log.h"
#include "libhookcore/session/helper.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/process.h"

namespace hookcore::fuse {
namespace {

namespace process = boost::process;

constexpr size_t kMaxWords = 512;  ///< of what the daemon says, the last bytes
/// A daemon that doesn't answer by then is taken for hung; the hook waits for it without a limit.
constexpr int kStartMilliseconds = 60000;

std::string layer(const char* place, const char* name = nullptr) {
  std::string path = std::string(kStage) + "/" + place;
  return name == nullptr ? path : path + "/" + name;
}

// Fixed words, without a path of anybody.
std::string options(bool writable) {
  std::string text =
      "lowerdir=" + layer(kMaskPlace, overlay::kMaskName) + ":" + layer(kSourcePlace);
  if (writable) {
    text += ",upperdir=" + layer(kScratchPlace, kUpperName) +
            ",workdir=" + layer(kScratchPlace, overlay::kWorkName);
  }
  return text;
}

/// fuse-overlayfs while it runs.
class Daemon {
 public:
  Daemon(const std::string& program, bool writable) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) throw SystemError("pipe2", "", errno);
    words_.reset(ends[0]);
    const sys::UniqueFd speaker(ends[1]);
    const pid_t parent = ::getpid();
    const auto in_child = [&](auto&) {
      ::dup2(speaker.get(), STDOUT_FILENO);
      ::dup2(speaker.get(), STDERR_FILENO);
      // The device is the one descriptor that it is given.
      sys::close_on_exec_from(kDeviceFd + 1);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(127);
    };
    const std::vector<std::string> arguments{"-f", "-o", options(writable),
                                             "/dev/fd/" + std::to_string(kDeviceFd)};
    process::environment environment;
    environment["OCI_CNB_HOOKS"] = "1";
    std::error_code error;
    child_ = process::child(process::exe = program, process::args = arguments, environment, error,
                            process::extend::on_exec_setup(in_child));
    const int number = error ? error.value() : errno;
    // A pipe that can't be had is no error to this library.
    if (error || !child_.valid()) throw SystemError("starting", program, number);
  }

  /// What it says; nobody else can say more, so that its end comes with the daemon's.
  int words() const { return words_.get(); }

  void read_words() {
    std::array<char, kMaxWords> buffer{};
    for (ssize_t size = 0; (size = ::read(words_.get(), buffer.data(), buffer.size())) > 0;) {
      said_.append(buffer.data(), static_cast<size_t>(size));
      if (said_.size() > kMaxWords) said_.erase(0, said_.size() - kMaxWords);
    }
  }

  void kill() const { ::kill(child_.id(), SIGKILL); }

  /// Once it has ended: empty for a regular end, which comes with the end of the last mount.
  std::string failure() {
    child_.wait();
    read_words();
    const int status = child_.native_exit_code();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    std::string text =
        "fuse-overlayfs " + (WIFSIGNALED(status)
                                 ? "was killed by signal " + std::to_string(WTERMSIG(status))
                                 : "ended with exit code " + std::to_string(WEXITSTATUS(status)));
    while (!said_.empty() && said_.back() == '\n') said_.pop_back();
    return said_.empty() ? text : text + ": " + said_;
  }

 private:
  process::child child_;
  sys::UniqueFd words_;
  std::string said_;
};

enum class Use {
  kNotYet,   ///< the hook has not said that the mount stands
  kUsed,     ///< it has
  kGivenUp,  ///< it has ended without
};

// Blocks; the daemon has ended afterwards.
Use watch(Daemon& daemon) {
  Use use = Use::kNotYet;
  while (true) {
    std::array<struct pollfd, 2> events{
        {{daemon.words(), POLLIN, 0}, {use == Use::kNotYet ? kHookFd : -1, POLLIN, 0}}};
    const int ready =
        ::poll(events.data(), events.size(), use == Use::kNotYet ? kStartMilliseconds : -1);
    if (ready < 0 && errno != EINTR) throw SystemError("poll", "fuse-overlayfs", errno);
    if (ready == 0) daemon.kill();
    if (ready <= 0) continue;
    if ((events[0].revents & POLLIN) != 0) daemon.read_words();
    if ((events[0].revents & (POLLHUP | POLLERR)) != 0) return use;
    if (events[1].revents == 0) continue;
    char word = 0;
    const ssize_t size = ::recv(kHookFd, &word, 1, 0);
    if (size < 0) continue;  // the word, or the end, is still there
    use = size == 1 ? Use::kUsed : Use::kGivenUp;
    if (use == Use::kGivenUp) daemon.kill();
  }
}

void tell_hook(const std::string& text) {
  static_cast<void>(::send(kHookFd, text.data(), text.size(), MSG_NOSIGNAL));
}

// Not if there is another helper's by now, or none: the session has been given up.
void note_failure(const std::string& failure) {
  auto helper = session::read_helper(kSessionFd);
  if (!helper || helper->pid != ::getpid()) return;
  helper->failure = failure;
  session::write_helper(kSessionFd, *helper);
}

// What Launch has put on the command line.
struct Task {
  std::string container;
  std::string session;
  bool writable;
};

void serve(const Task& task, report::Log& log) {
  const std::string program = find_program();
  if (program.empty()) throw Error(Code::kSystem, "fuse-overlayfs is not installed");
  Daemon daemon(program, task.writable);
  // Only the daemon answers for the mount: with it the mount ends.
  ::close(kDeviceFd);
  const Use use = watch(daemon);
  const std::string failure = daemon.failure();
  if (use == Use::kNotYet) tell_hook(failure.empty() ? "fuse-overlayfs ended at once" : failure);
  if (use != Use::kUsed) return;
  if (failure.empty()) {
    session::forget_helper(kSessionFd);
    return;
  }
  note_failure(failure);
  log.failure(Error(Code::kSystem, "the workspace has ended: " + failure, task.session,
                    "start the container again"));
}

}  // namespace

int run_helper(const std::vector<std::string>& words) {
  constexpr size_t kWords = 4;
  if (words.size() != kWords) {
    std::fputs("oci-cnb-fuse: the mount hook starts this program, see oci-cnb-hooks(7)\n", stderr);
    return cli_exit_code(Code::kUsage);
  }
  const Task task{words[1], words[2], words[3] == "rw"};
  ::umask(077);
  ::prctl(PR_SET_DUMPABLE, 0);
  report::Log log(kHelperName, [] { return sys::UniqueFd(::fcntl(kLogFd, F_DUPFD_CLOEXEC, 0)); });
  log.set_container(task.container);
  log.set_session(task.session);
  try {
    serve(task, log);
    return 0;
  } catch (const std::exception& exception) {
    const Error error = as_error(exception);
    tell_hook(error.what());
    log.failure(error);
    return hook_exit_code(error.code());
  }
}

}  // namespace hookcore::fuse
