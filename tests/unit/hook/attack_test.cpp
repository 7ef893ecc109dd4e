#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

#include "libhookcore/hook/mount_hook.h"
#include "tests/unit/hook/bench.h"

namespace hookcore::hook {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;
using testing::Outcome;
using Lines = std::vector<std::string>;

class Attack : public ::testing::TestWithParam<As> {};

void cover(const std::string& target) {
  if (::mount("tmpfs", target.c_str(), "tmpfs", 0, nullptr) != 0) throw std::runtime_error(target);
}

// CVE-2019-16884, CVE-2025-52881: what a container has mounted on /proc answers nothing that the
// hook asks once it is inside.
TEST_P(Attack, AProcOfTheContainersOwnIsNotBelieved) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench b(place);
    b.start([] {
      cover("/proc");
      tree::make("/proc",
                 {"self/mountinfo=1 1 0:1 / / rw - tmpfs none rw", "self/uid_map=", "self/fd/3->/",
                  "self/fd/4->/", "self/fd/5->/", "1/root->/", "sys/kernel/random/boot_id=0"});
    });
    const auto source = tree::snapshot(b.path("source"));
    const Outcome outcome = b.mount_hook();
    EXPECT_EQ(0, outcome.exit_code) << outcome.error;
    EXPECT_EQ((Lines{"overlay rootfs/workspace"}), b.mounts("rootfs/workspace"));
    EXPECT_EQ(source, tree::snapshot(b.path("source")));
  });
}

// CVE-2019-14271: nothing is loaded, no user is looked up and no locale read where the container
// can put them.
TEST_P(Attack, ARootfsOfTrapsIsNotOpened) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench b(place);
    const Lines traps = {
        "etc/ld.so.preload", "etc/nsswitch.conf",          "etc/localtime",
        "etc/group",         "lib64/ld-linux-x86-64.so.2", "lib/libnss_files.so.2"};
    tree::make(b.path("rootfs"), traps);
    b.start([&] {
      for (const std::string& trap : traps) {
        // Whoever opens one waits for ever.
        const std::string path = b.path("rootfs/" + trap);
        if (::unlink(path.c_str()) != 0 || ::mkfifo(path.c_str(), 0644) != 0) {
          throw std::runtime_error(path);
        }
      }
    });
    const Outcome outcome = b.mount_hook();
    EXPECT_EQ(0, outcome.exit_code) << outcome.error;
  });
}

INSTANTIATE_TEST_SUITE_P(As, Attack, ::testing::Values(As::kRoot, As::kUser), sandbox::name_of);

}  // namespace
}  // namespace hookcore::hook
