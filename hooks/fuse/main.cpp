#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <cstdio>
#include <exception>

#include "libhookcore/fuse/launch.h"
#include "libhookcore/fuse/supervise.h"

// Started by the mount hook and nobody else: libhookcore/fuse/launch.h.
int main(int argc, char** argv) {
  using namespace hookcore;
  const std::vector<std::string> words(argv, argv + argc);
  constexpr size_t kWords = 4;
  if (words.size() != kWords) {
    std::fputs("oci-cnb-fuse: the mount hook starts this program, see oci-cnb-hooks(7)\n", stderr);
    return cli_exit_code(Code::kUsage);
  }
  ::umask(077);
  ::prctl(PR_SET_DUMPABLE, 0);
  report::Log log(fuse::kHelperName,
                  [] { return sys::UniqueFd(::fcntl(fuse::kLogFd, F_DUPFD_CLOEXEC, 0)); });
  log.set_container(words[1]);
  log.set_session(words[2]);
  try {
    fuse::supervise(words, log);
    return 0;
  } catch (const Error& error) {
    log.failure(error);
    return hook_exit_code(error.code());
  } catch (const std::exception& error) {
    log.failure(Error(Code::kSystem, std::string("internal error: ") + error.what()));
  }
  return hook_exit_code(Code::kSystem);
}
