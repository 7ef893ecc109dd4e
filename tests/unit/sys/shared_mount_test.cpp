#include "libhookcore/sys/shared_mount.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::sys {
namespace {

using sandbox::As;
using sandbox::Place;

const MountTag kTag{"tmpfs", "cnb-0123456789abcdef"};

/// A container's first process, stopped at some step of its way into its root.
class Container {
 public:
  /// step runs in the process, in a mount namespace of its own, with root as its working directory;
  /// root/workspace is the session's mount.
  Container(const std::string& root, const std::function<bool()>& step) {
    std::array<int, 2> ends{};
    EXPECT_EQ(0, ::pipe2(ends.data(), O_CLOEXEC));
    pid_ = ::fork();
    if (pid_ == 0) {
      const bool done = enter(root) && step();
      static_cast<void>(!::write(ends[1], done ? "y" : "n", 1));
      ::pause();
    }
    ::close(ends[1]);
    char answer = 0;
    EXPECT_EQ(1, ::read(ends[0], &answer, 1));
    EXPECT_EQ('y', answer);
    ::close(ends[0]);
  }
  ~Container() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  pid_t pid() const { return pid_; }

 private:
  static bool enter(const std::string& root) {
    const std::string workspace = root + "/workspace";
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("root", root.c_str(), "tmpfs", 0, nullptr) == 0 &&
           ::mkdir(workspace.c_str(), 0755) == 0 &&
           ::mount(kTag.source.c_str(), workspace.c_str(), "tmpfs", 0, nullptr) == 0 &&
           ::mkdir((workspace + "/here").c_str(), 0755) == 0 && ::chdir(root.c_str()) == 0;
  }

  pid_t pid_ = -1;
};

bool pivot() { return ::syscall(SYS_pivot_root, ".", ".") == 0; }
bool detach_old_root() { return ::umount2(".", MNT_DETACH) == 0; }
bool move_to_root() { return ::mount(".", "/", nullptr, MS_MOVE, nullptr) == 0; }
bool cover() { return ::mount("cover", "workspace", "tmpfs", 0, nullptr) == 0; }

struct Step {
  const char* name;
  std::function<bool()> run;
};

class CloneOfAMountWhileTheContainerStarts : public testing::TestWithParam<std::tuple<As, Step>> {};

// runc and crun stand at each of these for a moment after their createRuntime hooks.
TEST_P(CloneOfAMountWhileTheContainerStarts, IsTheSessionsMount) {
  const auto& [as, step] = GetParam();
  sandbox::run(as, [&step = step](const Place& place) {
    const Container container(place.path, step.run);
    const Proc proc = Proc::open();
    EXPECT_TRUE(has_mount(proc, container.pid(), kTag));
    const UniqueFd mount = clone_mount_of(proc, container.pid(), kTag, true);
    EXPECT_TRUE(stat_at(mount.get(), "here"));
  });
}

INSTANTIATE_TEST_SUITE_P(
    AtEveryStep, CloneOfAMountWhileTheContainerStarts,
    testing::Combine(
        testing::Values(As::kRoot, As::kUser),
        testing::Values(Step{"BeforeItsRootChanges", [] { return true; }},
                        Step{"TheOldRootCoversTheNewOne", [] { return pivot(); }},
                        Step{"InItsRoot",
                             [] { return pivot() && detach_old_root() && ::chdir("/") == 0; }},
                        Step{"TheRootIsMovedButNotEntered", [] { return move_to_root(); }},
                        Step{"InAMovedRoot", [] { return move_to_root() && ::chroot(".") == 0; }})),
    [](const auto& test) {
      return sandbox::name(std::get<0>(test.param)) + std::get<1>(test.param).name;
    });

TEST(CloneOfAMount, IsRefusedWhereSomethingCoversIt) {
  sandbox::run(As::kRoot, [](const Place& place) {
    const Container container(place.path, [] { return pivot() && detach_old_root() && cover(); });
    const Proc proc = Proc::open();
    try {
      clone_mount_of(proc, container.pid(), kTag, true);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(Code::kSession, error.code());
      EXPECT_NE(std::string::npos, error.line().find("something covers it")) << error.line();
    }
  });
}

}  // namespace
}  // namespace hookcore::sys
