#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "libhookcore/sys/fd.h"

/// Kernel tests in a process and in namespaces of their own.
namespace sandbox {

/// As whom a body runs.
enum class As {
  kRoot,   ///< the machine's root, in a private mount namespace
  kUser,   ///< a plain user, root of a user namespace of his own (unshare -Urm), whoever runs the
           ///< test
  kPlain,  ///< a plain user without any namespace
};
std::string name(As as);

/// An empty directory on a real file system, ours while the body runs and gone afterwards.
struct Place {
  std::string path;
  int fd;
  As as;
};

/// The place covered by a tmpfs: a race over thousands of rounds takes a disk's journal minutes.
/// For kRoot and kUser.
struct InMemory {
  explicit InMemory(const Place& on_disk);
  hookcore::sys::UniqueFd fd;
  Place place;
};

/// Ends the body and skips the test with this reason.
[[noreturn]] void skip(const std::string& reason);

/// Forks and runs body there; its failed expectations fail this test.
void run(As as, const std::function<void(const Place&)>& body);

/// _exit(2) for such children: what they have run is counted, where anything is (gcov).
[[noreturn]] void leave(int code);

/// Forks and runs body, which may end as it likes; what waitpid(2) says.
int in_child(const std::function<void()>& body);

inline auto name_of = [](const testing::TestParamInfo<As>& info) { return name(info.param); };

}  // namespace sandbox
