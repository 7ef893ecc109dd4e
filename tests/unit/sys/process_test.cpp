#include "libhookcore/sys/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "libhookcore/sys/file.h"
#include "libhookcore/sys/namespace.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::sys {
namespace {

using sandbox::As;
using sandbox::Place;

std::string status_field(const std::string& name) {
  const std::string text = tree::read("/proc/self/status");
  const size_t at = text.find("\n" + name + ":");
  const size_t begin = text.find_first_not_of(" \t", at + name.size() + 2);
  return text.substr(begin, text.find('\n', begin) - begin);
}

uint64_t capability_set(const std::string& name) {
  return std::stoull(status_field(name), nullptr, 16);
}

TEST(IdMap, IsReadAsTheKernelWritesIt) {
  const auto map =
      parse_id_map("         0       1000          1\n         1     100000      65536\n");
  ASSERT_EQ(2U, map.size());
  EXPECT_EQ(1000U, map_out(map, 0));
  EXPECT_EQ(100000U, map_out(map, 1));
  EXPECT_EQ(165535U, map_out(map, 65536));
  EXPECT_FALSE(map_out(map, 65537));
  EXPECT_EQ(0U, map_in(map, 1000));
  EXPECT_EQ(65536U, map_in(map, 165535));
  EXPECT_FALSE(map_in(map, 0));
  EXPECT_TRUE(parse_id_map("").empty());
  EXPECT_EQ(4294967294U, map_out(parse_id_map("0 0 4294967295\n"), 4294967294U));
  EXPECT_FALSE(map_out(parse_id_map("0 0 4294967295\n"), 4294967295U));
}

TEST(IdMap, AnythingElseIsAnError) {
  EXPECT_THROW(parse_id_map("0 x 1\n"), Error);
  EXPECT_THROW(parse_id_map("0 0 99999999999\n"), Error);
  EXPECT_THROW(parse_id_map("-1 0 1\n"), Error);
}

TEST(StartTime, NamesAProcessAndEndsWithIt) {
  const Proc proc = Proc::open();
  const auto own = proc.start_time(::getpid());
  ASSERT_TRUE(own);
  EXPECT_EQ(own, proc.start_time(::getpid()));
  EXPECT_FALSE(proc.start_time(0x7FFFFFF0));

  const pid_t pid = ::fork();
  if (pid == 0) {
    while (true) ::pause();
  }
  const auto child = proc.start_time(pid);
  ASSERT_TRUE(child);
  EXPECT_GE(*child, *own);
  ::kill(pid, SIGKILL);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  EXPECT_FALSE(proc.start_time(pid)) << "a zombie holds no container";
  ::waitpid(pid, nullptr, 0);
  EXPECT_FALSE(proc.start_time(pid));
}

// proc_pid_stat(5): the name may hold anything, and a container chooses its own.
TEST(StartTime, IsNotFooledByTheCommandsName) {
  const Proc proc = Proc::open();
  const auto before = proc.start_time(::getpid());
  for (const char* name : {"a) Z 1 1 1", "()", ") ) )", "a b c", "x\ny"}) {
    ::prctl(PR_SET_NAME, name);
    EXPECT_EQ(before, proc.start_time(::getpid())) << name;
  }
}

TEST(Proc, ReadsAndNamesNamespaces) {
  const Proc proc = Proc::open();
  EXPECT_EQ(36U, proc.boot_id().size());
  EXPECT_THROW(static_cast<void>(proc.read("self/nothing")), SystemError);
  for (const std::string kind : {"mnt", "user"}) {
    EXPECT_EQ(proc.own_namespace_id(kind), proc.id_of_namespace(::getpid(), kind));
    EXPECT_EQ(proc.own_namespace_id(kind), namespace_id(proc.own_namespace(kind).get()));
    EXPECT_EQ(proc.own_namespace_id(kind), namespace_id(proc.namespace_of(::getpid(), kind).get()));
  }
  EXPECT_NE(proc.own_namespace_id("mnt"), proc.own_namespace_id("user"));
  EXPECT_EQ(::getppid(), proc.parent_pid());
}

TEST(Proc, KnowsTheInitialUserNamespace) {
  sandbox::run(As::kUser, [](const Place&) {
    const Proc proc = Proc::open();
    EXPECT_FALSE(proc.in_initial_user_namespace());
    EXPECT_TRUE(has_capability(CAP_SYS_ADMIN));
  });
  sandbox::run(As::kPlain, [](const Place&) { EXPECT_FALSE(has_capability(CAP_SYS_ADMIN)); });
}

TEST(IsolateProcess, LeavesNothingOfTheCaller) {
  sandbox::run(As::kPlain, [](const Place& place) {
    ::setenv("LD_PRELOAD", "/evil.so", 1);
    ASSERT_EQ(0, ::chdir(place.path.c_str()));
    const int leaked = ::open("/", O_RDONLY);  // without O_CLOEXEC
    ASSERT_GE(leaked, 3);
    isolate_process();
    EXPECT_EQ(nullptr, std::getenv("LD_PRELOAD"));
    EXPECT_EQ(nullptr, std::getenv("PATH"));
    EXPECT_EQ(-1, ::fcntl(leaked, F_GETFD));
    EXPECT_GE(::fcntl(STDERR_FILENO, F_GETFD), 0);
    EXPECT_EQ(0, ::prctl(PR_GET_DUMPABLE));
    char cwd[100];
    EXPECT_STREQ("/", ::getcwd(cwd, sizeof cwd));
    EXPECT_EQ(mode_t{077}, ::umask(0));
  });
}

class Capabilities : public testing::TestWithParam<As> {};

TEST_P(Capabilities, OnlyThoseForMountingAreKept) {
  sandbox::run(GetParam(), [](const Place&) {
    const uint64_t before = capability_set("CapPrm");
    keep_mount_capabilities();
    const auto bit = [](int capability) { return uint64_t{1} << capability; };
    const uint64_t allowed = bit(CAP_SYS_ADMIN) | bit(CAP_SYS_CHROOT) | bit(CAP_SYS_PTRACE) |
                             bit(CAP_SETUID) | bit(CAP_SETGID) | bit(CAP_KILL) | bit(CAP_CHOWN) |
                             bit(CAP_FOWNER) | bit(CAP_FSETID) | bit(CAP_DAC_OVERRIDE) |
                             bit(CAP_DAC_READ_SEARCH) | bit(CAP_MKNOD) | bit(CAP_SETFCAP);
    EXPECT_EQ(before & allowed, capability_set("CapPrm"));
    EXPECT_EQ(before & allowed, capability_set("CapEff"));
    EXPECT_EQ(0U, capability_set("CapInh"));
    EXPECT_EQ(0U, capability_set("CapAmb"));
    EXPECT_FALSE(has_capability(CAP_SYS_MODULE));
    EXPECT_TRUE(has_capability(CAP_SYS_ADMIN));
  });
}

TEST_P(Capabilities, FsIdentityMakesFilesAsAnotherAndComesBack) {
  sandbox::run(GetParam(), [](const Place& place) {
    const uid_t other = place.as == As::kRoot ? 4711 : 0;
    ASSERT_EQ(0, ::fchmod(place.fd, 0777));
    {
      const FsIdentity identity(other, other);
      ASSERT_EQ(0, ::mkdirat(place.fd, "made", 0755));
    }
    EXPECT_EQ(other, stat_at(place.fd, "made")->st_uid);
    EXPECT_EQ(other, stat_at(place.fd, "made")->st_gid);
    EXPECT_TRUE(has_capability(CAP_DAC_OVERRIDE));
  });
}

INSTANTIATE_TEST_SUITE_P(As, Capabilities, testing::Values(As::kRoot, As::kUser), sandbox::name_of);

TEST(IdNamespace, HasTheMapsAndNoProcess) {
  sandbox::run(As::kRoot, [](const Place&) {
    const Proc proc = Proc::open();
    const std::vector<IdRange> swap{{0, 1000, 1}, {1, 1, 999}, {1000, 0, 1}};
    const UniqueFd map = make_id_namespace(proc, swap, swap);
    EXPECT_NE(namespace_id(map.get()), proc.own_namespace_id("user"));
    EXPECT_EQ(-1, ::waitpid(-1, nullptr, WNOHANG)) << "the child is gone";
    enter_user_namespace(map.get());
    EXPECT_EQ(1000U, ::getuid()) << "who is 0 outside is 1000 inside";
  });
}

TEST(UnshareUserAndMounts, KeepsOurIdsAndGivesPower) {
  sandbox::run(As::kPlain, [](const Place& place) {
    const Proc proc = Proc::open();
    const uid_t uid = ::getuid();
    try {
      unshare_user_and_mounts(proc);
    } catch (const Error& error) {
      sandbox::skip(error.line());
    }
    EXPECT_EQ(uid, ::getuid());
    EXPECT_TRUE(has_capability(CAP_SYS_ADMIN));
    tree::make(place.path, {"file"});
    EXPECT_EQ(uid, stat_at(place.fd, "file")->st_uid);
    const IdMaps maps = identity_maps(proc);
    ASSERT_EQ(1U, maps.uids.size());
    EXPECT_EQ(uid, maps.uids[0].inside);
    EXPECT_EQ(uid, maps.uids[0].outside);
    EXPECT_EQ(1U, maps.uids[0].count);
  });
}

}  // namespace
}  // namespace hookcore::sys
