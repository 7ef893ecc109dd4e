#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/mount_table.h"
#include "libhookcore/sys/namespace.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::sys {
namespace {

using sandbox::As;
using sandbox::Place;

/// Another mount namespace, a peer of ours, held by a process that waits.
class Peer {
 public:
  Peer() {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      const bool made = ::unshare(CLONE_NEWNS) == 0;
      if (::write(ready[1], made ? "y" : "n", 1) < 0) ::_exit(1);
      while (true) ::pause();
    }
    char answer = 0;
    if (::read(ready[0], &answer, 1) != 1 || answer != 'y') throw std::runtime_error("unshare");
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Peer() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Mount points that it sees at or below a path.
  std::vector<std::string> mounts_below(const std::string& path) const {
    std::vector<std::string> found;
    const Proc proc = Proc::open();
    for (const MountInfo& mount : parse_mountinfo(proc.read(std::to_string(pid_) + "/mountinfo"))) {
      if (mount.mount_point.starts_with(path)) {
        found.push_back(mount.mount_point.substr(path.size()));
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  pid_t pid_;
};

void mount_tmpfs(const std::string& path) {
  if (::mount("tmpfs", path.c_str(), "tmpfs", 0, nullptr) != 0) throw std::runtime_error(path);
}

bool is_shared(int fd) {
  const Proc proc = Proc::open();
  return MountTable(proc).of(fd).shared;
}

/// PLACE/rootfs, a shared mount with a directory each for the tests.
std::string make_shared_rootfs(const Place& place) {
  const std::string rootfs = place.path + "/rootfs";
  tree::make(place.path, {"rootfs/"});
  mount_tmpfs(rootfs);
  tree::make(rootfs, {"during/", "after/", "before/"});
  if (::mount("", rootfs.c_str(), nullptr, MS_SHARED, nullptr) != 0) {
    throw std::runtime_error("MS_SHARED");
  }
  return rootfs;
}

class Propagation : public testing::TestWithParam<As> {};

TEST_P(Propagation, APausedMountTellsNobodyAndIsSharedAgainAfterwards) {
  sandbox::run(GetParam(), [](const Place& place) {
    const std::string rootfs = make_shared_rootfs(place);
    const Peer peer;
    mount_tmpfs(rootfs + "/before");
    EXPECT_EQ((std::vector<std::string>{"", "/before"}), peer.mounts_below(rootfs))
        << "without a pause it is seen";
    const Proc proc = Proc::open();
    const UniqueFd fd = open_at(place.fd, "rootfs", O_PATH, Resolve::kNoLinks);
    {
      const PropagationPause pause(proc, fd.get());
      EXPECT_FALSE(is_shared(fd.get()));
      mount_tmpfs(rootfs + "/during");
      const UniqueFd before = open_at(place.fd, "rootfs/before", O_PATH, Resolve::kNoLinks);
      EXPECT_TRUE(detach_mount(before.get()));
    }
    EXPECT_EQ((std::vector<std::string>{"", "/before"}), peer.mounts_below(rootfs));
    EXPECT_TRUE(is_shared(fd.get()));
    mount_tmpfs(rootfs + "/after");
    EXPECT_EQ((std::vector<std::string>{"", "/after", "/before"}), peer.mounts_below(rootfs));
  });
}

TEST_P(Propagation, PausesOfOneMountNest) {
  sandbox::run(GetParam(), [](const Place& place) {
    const std::string rootfs = make_shared_rootfs(place);
    const Peer peer;
    const Proc proc = Proc::open();
    const UniqueFd fd = open_at(place.fd, "rootfs", O_PATH, Resolve::kNoLinks);
    {
      const PropagationPause outer(proc, fd.get());
      { const PropagationPause inner(proc, fd.get()); }
      mount_tmpfs(rootfs + "/during");
    }
    EXPECT_TRUE(is_shared(fd.get()));
    EXPECT_EQ(std::vector<std::string>{""}, peer.mounts_below(rootfs));
  });
}

// A mount of a container with a source bound rshared: what the host has mounted in the source
// stays.
TEST_P(Propagation, DetachingASharedMountTakesNothingFromItsPeers) {
  sandbox::run(GetParam(), [](const Place& place) {
    tree::make(place.path, {"source/", "rootfs/workspace/"});
    mount_tmpfs(place.path + "/source");
    tree::make(place.path, {"source/data/"});
    ASSERT_EQ(0, ::mount("", (place.path + "/source").c_str(), nullptr, MS_SHARED, nullptr));
    mount_tmpfs(place.path + "/source/data");
    ASSERT_EQ(0,
              ::mount((place.path + "/source").c_str(), (place.path + "/rootfs/workspace").c_str(),
                      nullptr, MS_BIND | MS_REC, nullptr));
    const Peer peer;
    const UniqueFd fd = open_at(place.fd, "rootfs/workspace", O_PATH, Resolve::kNoLinks);
    EXPECT_TRUE(detach_mount(fd.get()));
    const Proc proc = Proc::open();
    std::vector<std::string> left;
    for (const MountInfo& mount : parse_mountinfo(proc.read("self/mountinfo"))) {
      if (mount.mount_point.starts_with(place.path)) {
        left.push_back(mount.mount_point.substr(place.path.size()));
      }
    }
    std::sort(left.begin(), left.end());
    EXPECT_EQ((std::vector<std::string>{"/source", "/source/data"}), left);
    EXPECT_EQ((std::vector<std::string>{"", "/data"}), peer.mounts_below(place.path + "/source"));
  });
}

// A clone of a shared mount would be its peer: a container with CAP_SYS_ADMIN could mount into it.
TEST_P(Propagation, AClonedDirectoryIsPrivate) {
  sandbox::run(GetParam(), [](const Place& place) {
    const std::string rootfs = make_shared_rootfs(place);
    tree::make(place.path, {"stage/", "target/"});
    const Proc proc = Proc::open();
    const UniqueFd stage = open_at(place.fd, "stage", O_PATH, Resolve::kNoLinks);
    for (const bool legacy : {false, true}) {
      const auto api = legacy ? make_legacy_mount_api(proc, stage.get(), place.path + "/stage")
                              : make_new_mount_api();
      const UniqueFd fd = open_at(place.fd, "rootfs", O_PATH, Resolve::kNoLinks);
      const UniqueFd clone = api->clone(fd.get(), false);
      const UniqueFd target = open_at(place.fd, "target", O_PATH, Resolve::kNoLinks);
      api->attach(clone.get(), target.get());
      EXPECT_FALSE(is_shared(clone.get())) << api->name();
      EXPECT_TRUE(is_shared(fd.get())) << "the original as before";
      mount_tmpfs(place.path + "/target/during");
      MountTable mounts(proc);
      EXPECT_EQ(mounts.of(fd.get()).id,
                mounts.of(open_at(place.fd, "rootfs/during", O_PATH, Resolve::kNoLinks).get()).id);
      detach_mount(clone.get());
    }
  });
}

INSTANTIATE_TEST_SUITE_P(As, Propagation, testing::Values(As::kRoot, As::kUser), sandbox::name_of);

// What preview relies on: what stood before can neither be taken off nor looked behind.
TEST(Confine, LocksEveryMountForRootToo) {
  sandbox::run(As::kRoot, [](const Place& place) {
    tree::make(place.path, {"dir/behind"});
    mount_tmpfs(place.path + "/dir");
    const Proc proc = Proc::open();
    const IdMaps maps = identity_maps(proc);
    const UniqueFd ids = make_id_namespace(proc, maps.uids, maps.gids);
    EXPECT_EQ(0, sandbox::in_child([&] {
                const bool locked = confine(ids.get()) == 0 && ::geteuid() == 0 &&
                                    ::umount2((place.path + "/dir").c_str(), MNT_DETACH) != 0 &&
                                    !tree::exists(place.path + "/dir/behind") &&
                                    ::access("/proc/1/root/etc", F_OK) != 0;
                if (!locked) ::_exit(1);
              }));
    EXPECT_EQ(0, ::umount2((place.path + "/dir").c_str(), MNT_DETACH)) << "else it proves nothing";
  });
}

}  // namespace
}  // namespace hookcore::sys
