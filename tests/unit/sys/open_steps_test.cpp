#include "libhookcore/sys/open_steps.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <random>

#include "libhookcore/sys/mount.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/seccomp.h"
#include "tests/unit/support/tree.h"

namespace hookcore::sys {
namespace {

using sandbox::As;
using sandbox::Place;

/// What a path leads to: an object, or an error.
struct Outcome {
  int error = 0;
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << "errno " << outcome.error << ", inode " << outcome.inode;
}

Outcome outcome_of(int opened) {
  if (opened < 0) return {-opened};
  const UniqueFd fd(opened);
  const struct ::stat status = stat_fd(fd.get(), "opened");
  return {0, status.st_dev, status.st_ino};
}

constexpr std::array kResolves{Resolve::kInRoot, Resolve::kStrict, Resolve::kNoLinks,
                               Resolve::kHost};
constexpr std::array kFlags{O_PATH,
                            O_PATH | O_NOFOLLOW,
                            O_PATH | O_DIRECTORY,
                            O_RDONLY,
                            O_RDONLY | O_NOFOLLOW,
                            O_RDONLY | O_DIRECTORY,
                            O_DIRECTORY | O_NOFOLLOW,
                            O_PATH | O_DIRECTORY | O_NOFOLLOW};

void expect_same(int dirfd, const std::string& path) {
  for (const Resolve resolve : kResolves) {
    for (const int flags : kFlags) {
      EXPECT_EQ(outcome_of(open_at_raw(dirfd, path, flags, resolve)),
                outcome_of(open_by_steps(dirfd, path, flags, resolve, 0)))
          << path << ", flags " << flags << ", resolve " << static_cast<int>(resolve);
    }
  }
}

void make_maze(const Place& place) {
  tree::make(place.path,
             {"outside=o", "base/a/b/c/file=x", "base/a/up->..", "base/a/b/far->../../../outside",
              "base/absolute->/a/b", "base/self->.", "base/loop->loop", "base/x->y", "base/y->x",
              "base/slash->a/b/", "base/nowhere->none/at/all", "base/top->/", "base/file=f",
              "base/to-file->file", "base/file-slash->file/", "base/a/twice->up/absolute/c",
              "base/mounted/", "base/closed/in=1"});
}

// The kernel's own openat2(2) is the oracle.
TEST(OpenBySteps, LeadsWhereTheKernelLeads) {
  sandbox::run(As::kUser, [](const Place& place) {
    make_maze(place);
    ASSERT_EQ(0, ::mount("tmpfs", (place.path + "/base/mounted").c_str(), "tmpfs", 0, nullptr));
    tree::make(place.path, {"base/mounted/inner/file=m", "base/mounted/back->../a"});
    const UniqueFd root = open_at(place.fd, "base", O_PATH | O_DIRECTORY, Resolve::kStrict);
    const std::vector<std::string> words{
        "a",     "b",       "c",    "up",    "far",     "absolute", "self",    "loop",      "x",
        "slash", "nowhere", "top",  "file",  "to-file", "twice",    "..",      ".",         "",
        "inner", "mounted", "none", "a/b/c", "back",    "outside",  "a/b/far", "file-slash"};
    std::mt19937 random(20251125);  // NOLINT(cert-msc51-cpp): the same paths in every run
    std::uniform_int_distribution<size_t> word(0, words.size() - 1);
    std::uniform_int_distribution<int> length(1, 6);
    for (int round = 0; round < 1500; ++round) {
      std::string path = words[word(random)];
      for (int left = length(random); left > 1; --left) path += "/" + words[word(random)];
      expect_same(root.get(), path);
    }
    for (const char* path : {"", "/", "//", ".", "..", "/..", "a/", "file/", "to-file/", "a//b",
                             "./a/./b/.", "../base/file"}) {
      expect_same(root.get(), path);
    }
    expect_same(root.get(), std::string(300, 'n'));
    expect_same(root.get(), std::string(5000, '/'));
  });
}

TEST(OpenBySteps, NoMagicLinkIsFollowed) {
  const UniqueFd proc = open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, Resolve::kHost);
  EXPECT_EQ(-ELOOP, open_by_steps(AT_FDCWD, "/proc/1/cwd", O_PATH, Resolve::kHost, 0));
  EXPECT_EQ(-ELOOP, open_by_steps(proc.get(), "self/cwd", O_PATH, Resolve::kInRoot, 0));
  EXPECT_EQ(-ELOOP, open_by_steps(AT_FDCWD, "/proc/self/fd/0", O_RDONLY, Resolve::kHost, 0));
  expect_same(proc.get(), "self/status");
  expect_same(proc.get(), "mounts");
  expect_same(proc.get(), "self/cwd/etc");
}

TEST(OpenBySteps, MakesFilesButNotThroughLinks) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::make(place.path, {"dir/", "link->dir/made-by-link", "outside->/made-outside"});
    constexpr int kMake = O_CREAT | O_WRONLY;
    for (const Resolve resolve : kResolves) {
      EXPECT_EQ(0, outcome_of(open_by_steps(place.fd, "dir/new", kMake, resolve, 0640)).error);
      EXPECT_EQ(-EEXIST, open_by_steps(place.fd, "dir/new", kMake | O_EXCL, resolve, 0640));
      EXPECT_EQ(-ELOOP, open_by_steps(place.fd, "link", kMake, resolve, 0640));
      EXPECT_EQ(-ELOOP, open_by_steps(place.fd, "outside", kMake, resolve, 0640));
      ASSERT_EQ(0, ::unlink((place.path + "/dir/new").c_str()));
    }
    EXPECT_TRUE(tree::names(place.path + "/dir").empty());
  });
}

TEST(OldKernel, OpenAtNeedsNoOpenat2AndStaysOnItsMount) {
  sandbox::run(As::kUser, [](const Place& place) {
    make_maze(place);
    ASSERT_EQ(0, ::mount("tmpfs", (place.path + "/base/mounted").c_str(), "tmpfs", 0, nullptr));
    seccomp::lack({SYS_openat2, SYS_statx});
    const UniqueFd root = open_at(place.fd, "base", O_PATH | O_DIRECTORY, Resolve::kStrict);
    EXPECT_EQ("x", read_all(open_at(root.get(), "a/twice/file", O_RDONLY, Resolve::kInRoot).get(),
                            10, "file"));
    EXPECT_EQ(-ENOENT, open_at_raw(root.get(), "a/b/far", O_PATH, Resolve::kInRoot));
    EXPECT_EQ(-EXDEV, open_at_raw(root.get(), "mounted", O_PATH, Resolve::kStrict));
    EXPECT_EQ(-EXDEV, open_at_raw(root.get(), "a/../../outside", O_PATH, Resolve::kNoLinks));
    // A bind mount has the device of what is around it.
    ASSERT_EQ(0, ::mount((place.path + "/base/a").c_str(), (place.path + "/base/closed").c_str(),
                         nullptr, MS_BIND, nullptr));
    EXPECT_EQ(-EXDEV, open_at_raw(root.get(), "closed/b", O_PATH, Resolve::kStrict));
  });
}

TEST(OldKernel, AMountIsToldWithoutStatx) {
  sandbox::run(As::kUser, [](const Place& place) {
    tree::make(place.path, {"dir/below/", "overlay/", "lower/", "upper/", "work/"});
    const std::string dir = place.path + "/dir";
    ASSERT_EQ(0, ::mount(dir.c_str(), dir.c_str(), nullptr, MS_BIND, nullptr));
    const std::string options = "userxattr,lowerdir=" + place.path +
                                "/lower,upperdir=" + place.path + "/upper,workdir=" + place.path +
                                "/work";
    ASSERT_EQ(0,
              ::mount("overlay", (place.path + "/overlay").c_str(), "overlay", 0, options.c_str()));
    const Proc proc = Proc::open();
    const auto open = [&](const std::string& name) {
      return UniqueFd(::open((place.path + "/" + name).c_str(), O_PATH | O_CLOEXEC));
    };
    const std::array<UniqueFd, 4> fds{open("dir"), open("dir/below"), open("lower"),
                                      open("overlay")};
    std::vector<uint64_t> ids;
    ids.reserve(fds.size());
    for (const UniqueFd& fd : fds) ids.push_back(mount_id(proc, fd.get()));
    seccomp::lack({SYS_statx});
    for (size_t i = 0; i < fds.size(); ++i) EXPECT_EQ(ids[i], mount_id(proc, fds.at(i).get()));
    EXPECT_TRUE(is_mount_root(proc, fds[0].get()));
    EXPECT_FALSE(is_mount_root(proc, fds[1].get()));
    EXPECT_FALSE(is_mount_root(proc, fds[2].get()));
    EXPECT_TRUE(is_mount_root(proc, fds[3].get()));
  });
}

TEST(OldKernel, ANameIsTakenWithoutRenameat2) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::make(place.path, {"file=f", "dir/in=i", "link->nowhere", "taken=t"});
    seccomp::lack({SYS_renameat2});
    for (const std::string name : {"file", "dir", "link"}) {
      EXPECT_EQ(-EEXIST, rename_to_free_name(place.fd, name, place.fd, "taken"));
      EXPECT_EQ(0, rename_to_free_name(place.fd, name, place.fd, name + ".new"));
    }
    EXPECT_EQ(-ENOENT, rename_to_free_name(place.fd, "none", place.fd, "free"));
    EXPECT_EQ("t", tree::read(place.path + "/taken"));
    EXPECT_EQ("i", tree::read(place.path + "/dir.new/in"));
    EXPECT_EQ((std::vector<std::string>{"dir.new", "file.new", "link.new", "taken"}),
              tree::names(place.path));
  });
}

TEST(OldKernel, NoDescriptorIsInheritedWithoutCloseRange) {
  sandbox::run(As::kPlain, [](const Place& place) {
    const int inherited = ::dup(place.fd);
    ASSERT_LE(3, inherited);
    const int far = ::fcntl(place.fd, F_DUPFD, 900);
    ASSERT_EQ(900, far);
    seccomp::lack({SYS_close_range});
    isolate_process();
    EXPECT_EQ(-1, ::fcntl(inherited, F_GETFD));
    EXPECT_EQ(-1, ::fcntl(far, F_GETFD));
    EXPECT_LE(0, ::fcntl(STDERR_FILENO, F_GETFD));
  });
}

TEST(OldKernel, AProcessIsKilledWithoutPidfds) {
  for (const auto& calls :
       {std::vector<int>{SYS_pidfd_open}, std::vector<int>{SYS_pidfd_send_signal},
        std::vector<int>{SYS_pidfd_open, SYS_pidfd_send_signal}, std::vector<int>{}}) {
    sandbox::run(As::kPlain, [&calls](const Place&) {
      const pid_t child = ::fork();
      if (child == 0) {
        while (true) ::pause();
      }
      const Proc proc = Proc::open();
      if (!calls.empty()) seccomp::lack(calls);
      const RunningProcess process(proc, child);
      ASSERT_TRUE(process);
      EXPECT_TRUE(proc.start_time(child));
      process.kill(60000);
      EXPECT_FALSE(proc.start_time(child)) << "it has ended when kill returns";
      EXPECT_EQ(child, ::waitpid(child, nullptr, 0));
      EXPECT_FALSE(RunningProcess(proc, child));
    });
  }
}

// The number of what body's SystemError tells, with no descriptor left; 0: it threw none.
int error_without_descriptors(const std::function<void()>& body) {
  struct rlimit limit {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const struct rlimit none = {0, limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  int number = 0;
  try {
    body();
  } catch (const SystemError& error) {
    number = error.error_number();
  }
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return number;
}

// Else it would be left running, and what it works for be taken away.
TEST(OldKernel, AProcessIsNotTakenForEndedWhereItCannotBeLookedAt) {
  for (const auto& calls : {std::vector<int>{SYS_pidfd_open}, std::vector<int>{}}) {
    sandbox::run(As::kPlain, [&calls](const Place&) {
      const Proc proc = Proc::open();
      if (!calls.empty()) seccomp::lack(calls);
      EXPECT_EQ(EMFILE, error_without_descriptors(
                            [&proc] { const RunningProcess process(proc, ::getpid()); }));
      const RunningProcess process(proc, ::getpid());
      const int number =
          error_without_descriptors([&process] { static_cast<void>(process.await(0)); });
      EXPECT_EQ(calls.empty() ? 0 : EMFILE, number);
      EXPECT_FALSE(RunningProcess(proc, 0x7FFFFFF0));
    });
  }
}

}  // namespace
}  // namespace hookcore::sys
