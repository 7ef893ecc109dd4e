// Runs a program on a kernel that lacks system calls: each of them fails with ENOSYS.
//
//   lacking CALL[,CALL...] PROGRAM [ARGUMENT...]
//
// A CALL is a name, or a number where libseccomp is older than the call.
#include <seccomp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace {

constexpr int kWrongUsage = 2;
constexpr int kNotRun = 126;

struct Release {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};

// A negative number stands for no call.
int number_of(const std::string& call) {
  int number = -1;
  const char* const end = call.data() + call.size();
  if (std::from_chars(call.data(), end, number).ptr == end) return number;
  return ::seccomp_syscall_resolve_name(call.c_str());
}

// What went wrong, or nothing.
std::string lack(std::string_view calls) {
  const std::unique_ptr<void, Release> filter(::seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return "seccomp_init";
  while (!calls.empty()) {
    const std::string call(calls.substr(0, calls.find(',')));
    calls.remove_prefix(std::min(calls.size(), call.size() + 1));
    const int number = number_of(call);
    if (number < 0) return "no such call: " + call;
    if (const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), number, 0)) {
      return call + ": " + std::strerror(-error);
    }
  }
  const int error = ::seccomp_load(filter.get());
  return error == 0 ? "" : std::string("seccomp_load: ") + std::strerror(-error);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: lacking CALL[,CALL...] PROGRAM [ARGUMENT...]\n", stderr);
    return kWrongUsage;
  }
  if (const std::string problem = lack(argv[1]); !problem.empty()) {
    std::fprintf(stderr, "lacking: %s\n", problem.c_str());
    return kNotRun;
  }
  ::execv(argv[2], argv + 2);
  std::fprintf(stderr, "lacking: %s: %s\n", argv[2], std::strerror(errno));
  return kNotRun;
}
