#include "tests/unit/support/seccomp.h"

#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace seccomp {
namespace {

constexpr uint32_t kNumber = offsetof(seccomp_data, nr);
constexpr uint32_t kSecondArgument = offsetof(seccomp_data, args) + sizeof(uint64_t);

sock_filter load(uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
sock_filter skip_unless(uint32_t value, uint8_t skipped) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped);
}
sock_filter fail(int error) {
  return BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error));
}
sock_filter allow() { return BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW); }

void install(std::vector<sock_filter> filter) {
  filter.push_back(allow());
  sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    throw std::runtime_error("seccomp");
  }
}

void refuse_descriptor_options(int error) {
  // Little endian: the low half of the argument comes first.
  install({load(kNumber), skip_unless(SYS_fsconfig, 3), load(kSecondArgument),
           skip_unless(FSCONFIG_SET_FD, 1), fail(error)});
}

}  // namespace

void lack(const std::vector<int>& calls) {
  std::vector<sock_filter> filter{load(kNumber)};
  for (const int call : calls) {
    filter.push_back(skip_unless(static_cast<uint32_t>(call), 1));
    filter.push_back(fail(ENOSYS));
  }
  install(std::move(filter));
}

void lack_descriptor_options() { refuse_descriptor_options(EINVAL); }
void lack_overlay_context() { refuse_descriptor_options(EOPNOTSUPP); }

}  // namespace seccomp
