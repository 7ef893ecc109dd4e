#include "libhookcore/hook/mount_hook.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <tuple>

#include "libhookcore/base/error.h"
#include "libhookcore/hook/poststop.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/mount_table.h"
#include "libhookcore/sys/process.h"
#include "tests/unit/hook/bench.h"
#include "tests/unit/support/seccomp.h"

namespace hookcore::hook {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;
using testing::Outcome;
using Lines = std::vector<std::string>;

void expect_refusal(const Outcome& outcome, Code code, const std::string& part) {
  EXPECT_EQ(hook_exit_code(code), outcome.exit_code) << outcome.error;
  EXPECT_TRUE(outcome.error.starts_with("oci-cnb-test: " + std::string(code_name(code)) + ": "))
      << outcome.error;
  EXPECT_NE(std::string::npos, outcome.error.find(part)) << outcome.error;
  EXPECT_EQ(outcome.error.size() - 1, outcome.error.find('\n')) << "one line: " << outcome.error;
}

void expect_success(const Outcome& outcome) {
  EXPECT_EQ(0, outcome.exit_code) << outcome.error;
  EXPECT_EQ("", outcome.error);
}

class MountHook : public ::testing::TestWithParam<As> {
 protected:
  void bench(const std::function<void(Bench&)>& body) {
    sandbox::run(GetParam(), [&](const Place& place) {
      Bench one(place);
      body(one);
    });
  }
};

using Kernel = void (*)();
void present_kernel() {}
void kernel_without_mount_calls() {
  seccomp::lack(
      {SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_open_tree, SYS_move_mount, SYS_mount_setattr});
}

class EveryKernel : public ::testing::TestWithParam<std::tuple<As, Kernel>> {};

TEST_P(EveryKernel, GivesTheContainerItsWorkspaceAndTakesNothingFromTheSource) {
  const auto [as, kernel] = GetParam();
  sandbox::run(as, [k = kernel](const Place& place) {
    Bench b(place);
    const auto before = tree::snapshot(b.path("source"));
    b.start();
    expect_success(b.mount_hook(k));
    EXPECT_EQ((Lines{"overlay rootfs/workspace"}), b.mounts("rootfs/workspace"))
        << "the engine's mount is gone from below";
    const std::string workspace = b.inside("rootfs/workspace");
    EXPECT_EQ((Lines{"dir", "file"}), tree::names(workspace));
    EXPECT_FALSE(tree::exists(workspace + "/node_modules"));
    tree::make(workspace, {"file=changed", "node_modules/mine", "new"});
    EXPECT_EQ(before, tree::snapshot(b.path("source")));
    EXPECT_EQ(1U, b.mounts("rootfs/layers").size());
    tree::make(b.inside("rootfs/layers"), {"buildpack/layer=x"});
    EXPECT_TRUE(tree::names(b.inside("rootfs/platform")).empty());
    EXPECT_EQ(Lines{"c-test-1"}, b.sessions());
    EXPECT_TRUE(b.host_mounts("rootfs").empty()) << "nothing is seen on the host";
    b.stop();
    expect_success(b.poststop_hook());
    EXPECT_TRUE(b.sessions().empty());
    EXPECT_TRUE(tree::names(b.store() + "/trash").empty());
    EXPECT_EQ(before, tree::snapshot(b.path("source")));
  });
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryKernel,
                         ::testing::Combine(::testing::Values(As::kRoot, As::kUser),
                                            ::testing::Values(present_kernel,
                                                              kernel_without_mount_calls,
                                                              seccomp::lack_descriptor_options,
                                                              seccomp::lack_overlay_context)));

TEST_P(MountHook, CalledTwiceDoesItsWorkOnce) {
  bench([](Bench& b) {
    b.start();
    expect_success(b.mount_hook());
    tree::make(b.inside("rootfs/workspace"), {"written"});
    const Lines mounts = b.mounts("rootfs");
    expect_success(b.mount_hook());
    EXPECT_EQ(mounts, b.mounts("rootfs"));
    EXPECT_TRUE(tree::exists(b.inside("rootfs/workspace/written")));
  });
}

TEST_P(MountHook, AContainerThatHasNotOptedInIsLeftAlone) {
  bench([](Bench& b) {
    b.annotations = {{"org.example.other", "x"}};
    b.start();
    const Lines mounts = b.mounts("rootfs");
    expect_success(b.mount_hook());
    EXPECT_EQ(mounts, b.mounts("rootfs"));
    EXPECT_FALSE(tree::exists(b.store())) << "not even a store is made";
  });
}

TEST_P(MountHook, ScratchInMemoryLeavesNothingOnDisk) {
  bench([](Bench& b) {
    b.annotations["io.cnb.hooks.scratch"] = "tmpfs:1m";
    b.start();
    expect_success(b.mount_hook());
    tree::make(b.inside("rootfs/workspace"), {"new=x"});
    EXPECT_EQ(Lines{"state.json"}, tree::names(b.store() + "/sessions/c-test-1"));
  });
}

TEST_P(MountHook, AReadOnlyWorkspaceStaysSo) {
  bench([](Bench& b) {
    b.annotations["io.cnb.hooks.workspace"] = "readonly";
    b.start();
    expect_success(b.mount_hook());
    EXPECT_EQ(-1, ::mkdir(b.inside("rootfs/workspace/new").c_str(), 0755));
    EXPECT_EQ(EROFS, errno);
  });
}

TEST_P(MountHook, TheEnginesNestedMountsStayOnTop) {
  bench([](Bench& b) {
    tree::make(b.path(""),
               {"cache/cached", "secret=s", "source/node_modules/cache/", "source/dir/secret"});
    b.add_mount(b.path("cache"), "/workspace/node_modules/cache");
    b.add_mount(b.path("secret"), "/workspace/dir/secret");
    b.start([&b] {
      const auto mount_at = [&b](const char* source, const char* target) {
        return ::mount(b.path(source).c_str(), b.path(target).c_str(), nullptr, MS_BIND, nullptr);
      };
      if (mount_at("cache", "rootfs/workspace/node_modules/cache") != 0 ||
          mount_at("secret", "rootfs/workspace/dir/secret") != 0) {
        throw std::runtime_error("nested");
      }
    });
    expect_success(b.mount_hook());
    EXPECT_TRUE(tree::exists(b.inside("rootfs/workspace/node_modules/cache/cached")));
    EXPECT_EQ(Lines{"cache"}, tree::names(b.inside("rootfs/workspace/node_modules")));
    EXPECT_EQ("s", tree::read(b.inside("rootfs/workspace/dir/secret")));
    tree::make(b.inside("rootfs/workspace/node_modules/cache"), {"written"});
    EXPECT_TRUE(tree::exists(b.path("cache/written"))) << "it is the engine's volume still";
  });
}

TEST_P(MountHook, AFileSystemMountedInTheSourceIsRefused) {
  bench([](Bench& b) {
    tree::make(b.path("source"), {"data/", "target/"});
    ASSERT_EQ(0, ::mount("tmpfs", b.path("source/data").c_str(), "tmpfs", 0, nullptr));
    b.start();
    expect_refusal(b.mount_hook(), Code::kSource, "\"data\"");
    EXPECT_TRUE(b.sessions().empty());
    b.stop();
    tree::write(b.path("source/.dockerignore"), "data\n");
    b.start();
    expect_success(b.mount_hook());
    EXPECT_FALSE(tree::exists(b.inside("rootfs/workspace/data")));
  });
}

TEST_P(MountHook, ASharedRootfsShowsTheHostNothing) {
  bench([](Bench& b) {
    const std::string rootfs = b.path("rootfs");
    ASSERT_EQ(0, ::mount(rootfs.c_str(), rootfs.c_str(), nullptr, MS_BIND, nullptr));
    ASSERT_EQ(0, ::mount("", rootfs.c_str(), nullptr, MS_SHARED, nullptr));
    for (const auto& kernel : {present_kernel, kernel_without_mount_calls}) {
      b.start();
      const Lines seen = b.host_mounts("rootfs");
      ASSERT_EQ(2U, seen.size()) << "the engine's own mount is seen: it is a shared rootfs";
      expect_success(b.mount_hook(kernel));
      EXPECT_EQ(seen, b.host_mounts("rootfs"));
      EXPECT_EQ(Lines{"overlay rootfs/workspace"}, b.mounts("rootfs/workspace"));
      b.stop();
      expect_success(b.poststop_hook());
      ASSERT_EQ(0, ::umount2((rootfs + "/workspace").c_str(), MNT_DETACH));
    }
  });
}

// The workspace on another shared mount than the rootfs: a volume that holds the source's place.
TEST_P(MountHook, ASharedVolumeShowsTheHostNothing) {
  bench([](Bench& b) {
    tree::make(b.path(""), {"volume/workspace/", "rootfs/data/"});
    const std::string volume = b.path("volume");
    ASSERT_EQ(0, ::mount(volume.c_str(), volume.c_str(), nullptr, MS_BIND, nullptr));
    ASSERT_EQ(0, ::mount("", volume.c_str(), nullptr, MS_SHARED, nullptr));
    b.annotations["io.cnb.hooks.workspace-path"] = "/data/workspace";
    b.workspace_source.clear();
    b.add_mount(volume, "/data");
    b.add_mount(b.path("source"), "/data/workspace");
    b.start([&b, &volume] {
      const std::string data = b.path("rootfs/data");
      const std::string workspace = data + "/workspace";
      if (::mount(volume.c_str(), data.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
          ::mount(b.path("source").c_str(), workspace.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        throw std::runtime_error("volume");
      }
    });
    const Lines seen = b.host_mounts("volume");
    ASSERT_EQ(2U, seen.size());
    expect_success(b.mount_hook());
    EXPECT_EQ(seen, b.host_mounts("volume"));
    EXPECT_EQ(Lines{"overlay rootfs/data/workspace"}, b.mounts("rootfs/data/workspace"));
  });
}

TEST_P(MountHook, UnderTheOverlayThereIsNothingOfTheSource) {
  bench([](Bench& b) {
    b.start();
    expect_success(b.mount_hook());
    const pid_t pid = b.pid();
    EXPECT_EQ(0, sandbox::in_child([&] {
                const sys::UniqueFd ns = sys::UniqueFd(
                    ::open(("/proc/" + std::to_string(pid) + "/ns/mnt").c_str(), O_RDONLY));
                const std::string workspace = b.path("rootfs/workspace");
                if (::setns(ns.get(), CLONE_NEWNS) != 0) ::_exit(2);
                if (::umount2(workspace.c_str(), MNT_DETACH) != 0) ::_exit(3);
                ::_exit(tree::names(workspace).empty() ? 0 : 4);
              }));
  });
}

// As a runtime does it. The mounts that aren't needed any more hang below the old root.
void leave_the_old_root(const std::string& rootfs) {
  if (::chdir(rootfs.c_str()) != 0) ::_exit(10);
  if (::syscall(SYS_pivot_root, ".", ".") != 0) ::_exit(11);
  if (::umount2(".", MNT_DETACH) != 0) ::_exit(12);
}

TEST_P(MountHook, AfterThePivotTheContainerHasItsOwnMountsAlone) {
  bench([](Bench& b) {
    b.start();
    expect_success(b.mount_hook());
    const pid_t pid = b.pid();
    EXPECT_EQ(
        0, sandbox::in_child([&] {
          const sys::Proc proc = sys::Proc::open();
          const sys::UniqueFd ns = proc.namespace_of(pid, "mnt");
          if (::setns(ns.get(), CLONE_NEWNS) != 0) ::_exit(2);
          leave_the_old_root(b.path("rootfs"));
          Lines points;
          for (const sys::MountInfo& mount : sys::parse_mountinfo(proc.read("self/mountinfo"))) {
            points.push_back(mount.mount_point);
          }
          ::_exit(points == Lines{"/", "/workspace", "/layers"} ? 0 : 3);
        }));
  });
}

// How many mounts process has in directory.
size_t mounts_in(const std::string& directory, const std::string& process) {
  const auto mounts = sys::parse_mountinfo(sys::Proc::open().read(process + "/mountinfo"));
  return static_cast<size_t>(std::count_if(mounts.begin(), mounts.end(), [&](const auto& mount) {
    return mount.mount_point.starts_with(directory + "/");
  }));
}

// A mount in the session's directory would be seen on the host, and stay there.
TEST_P(MountHook, ASharedStoreShowsTheHostNothing) {
  bench([](Bench& b) {
    b.start();
    expect_success(b.mount_hook());
    EXPECT_LT(0U, mounts_in(b.store(), std::to_string(b.pid())));
    EXPECT_EQ(0U, mounts_in(b.store(), "self"));
    b.stop();
    expect_success(b.poststop_hook());

    const std::string& store = b.store();
    ASSERT_EQ(0, ::mount(store.c_str(), store.c_str(), nullptr, MS_BIND, nullptr));
    ASSERT_EQ(0, ::mount("", store.c_str(), nullptr, MS_SHARED, nullptr));
    b.start();
    expect_success(b.mount_hook());
    EXPECT_EQ(0U, mounts_in(store, std::to_string(b.pid())));
    EXPECT_EQ(0U, mounts_in(store, "self"));
    EXPECT_EQ(Lines{"overlay rootfs/workspace"}, b.mounts("rootfs/workspace"));
  });
}

// The container would find its source there, writable.
TEST_P(MountHook, AStoreInTheRootfsHidesNothingThere) {
  bench([](Bench& b) {
    tree::make(b.path(""), {"rootfs/store/"});
    ASSERT_EQ(0, ::chmod(b.path("rootfs/store").c_str(), 0700));
    tree::make("/", {b.store().substr(1, b.store().rfind('/'))});
    ASSERT_EQ(0, ::symlink(b.path("rootfs/store").c_str(), b.store().c_str()));
    b.start();
    expect_success(b.mount_hook());
    EXPECT_EQ(1U, tree::names(b.path("rootfs/store/sessions")).size());
    EXPECT_EQ(0U, mounts_in(b.path("rootfs/store"), std::to_string(b.pid())));
    EXPECT_EQ(Lines{"overlay rootfs/workspace"}, b.mounts("rootfs/workspace"));
  });
}

TEST_P(MountHook, ScratchInsideTheSourceIsRefused) {
  bench([](Bench& b) {
    b.workspace_source = b.store();
    tree::make("/", {b.workspace_source.substr(1) + "/"});
    b.start();
    expect_refusal(b.mount_hook(), Code::kScratch, "inside the source");
    EXPECT_TRUE(b.sessions().empty());
  });
}

TEST_P(MountHook, ARestartedContainerFindsWhatItWrote) {
  bench([](Bench& b) {
    b.annotations["io.container.manager"] = "libpod";
    b.annotations["io.podman.annotations.autoremove"] = "FALSE";
    b.start();
    expect_success(b.mount_hook());
    tree::make(b.inside("rootfs/workspace"), {"written=before"});
    b.stop();
    expect_success(b.poststop_hook());
    EXPECT_EQ(Lines{"c-test-1"}, b.sessions());
    b.start();
    expect_success(b.mount_hook());
    EXPECT_EQ("before", tree::read(b.inside("rootfs/workspace/written")));
  });
}

TEST_P(MountHook, ANewContainerOfAnOldNameFindsNothing) {
  bench([](Bench& b) {
    b.start();
    expect_success(b.mount_hook());
    tree::make(b.inside("rootfs/workspace"), {"written"});
    b.stop();  // and no poststop
    b.start();
    expect_success(b.mount_hook());
    EXPECT_FALSE(tree::exists(b.inside("rootfs/workspace/written")));
  });
}

TEST_P(MountHook, TwoContainersOfOneNameAreRefused) {
  bench([](Bench& b) {
    b.start();
    expect_success(b.mount_hook());
    const std::string first = b.inside("rootfs/workspace");
    EXPECT_EQ(0, sandbox::in_child([&] {
                const std::string other = std::to_string(::getppid());
                std::string state = b.state();
                const std::string pid = "\"pid\":" + std::to_string(b.pid());
                state.replace(state.find(pid), pid.size(), "\"pid\":" + other);
                const Outcome outcome = b.run(run_mount_hook, state);
                ::_exit(outcome.exit_code == hook_exit_code(Code::kSession) ? 0 : 1);
              }));
    EXPECT_TRUE(tree::exists(first + "/file"));
  });
}

// SIGKILL at whatever point: the container dies with it, and nothing is left after a collection.
TEST_P(MountHook, KilledAnywhereItLeavesWhatACollectionTakes) {
  bench([](Bench& b) {
    const auto before = tree::snapshot(b.path("source"));
    unsigned killed = 0;
    for (unsigned delay = 0; delay < 40; ++delay) {
      b.start();
      const Outcome outcome = b.mount_hook([delay] {
        struct itimerval timer {};
        timer.it_value.tv_usec = 1 + delay * 150;
        ::signal(SIGALRM, [](int) { ::kill(::getpid(), SIGKILL); });
        ::setitimer(ITIMER_REAL, &timer, nullptr);
      });
      killed += outcome.exit_code == 128 + SIGKILL ? 1 : 0;
      b.stop();
      if (auto store = session::Store::open_existing(b.store())) {
        const auto result = store->collect(sys::Proc::open());
        EXPECT_TRUE(result.problems.empty()) << result.problems.front();
      }
      EXPECT_TRUE(b.sessions().empty());
      EXPECT_TRUE(b.host_mounts("rootfs").empty());
    }
    EXPECT_GT(killed, 0U);
    EXPECT_EQ(before, tree::snapshot(b.path("source")));
  });
}

TEST_P(MountHook, PoststopWithoutACreateIsFine) {
  bench([](Bench& b) {
    b.start();
    b.stop();
    expect_success(b.poststop_hook());
    EXPECT_FALSE(tree::exists(b.store()));
  });
}

INSTANTIATE_TEST_SUITE_P(As, MountHook, ::testing::Values(As::kRoot, As::kUser), sandbox::name_of);

}  // namespace
}  // namespace hookcore::hook
