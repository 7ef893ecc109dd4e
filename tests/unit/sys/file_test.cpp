#include "libhookcore/sys/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <thread>

#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::sys {
namespace {

using sandbox::As;
using sandbox::Place;

int try_open(int directory, const std::string& path, Resolve resolve) {
  const int fd = open_at_raw(directory, path, O_RDONLY, resolve);
  if (fd >= 0) ::close(fd);
  return fd >= 0 ? 0 : -fd;
}

/// For as long as the thread lives.
std::jthread rename_to_and_fro(int directory, const char* one, const char* other) {
  return std::jthread([=](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      ::renameat(directory, one, directory, other);
      ::renameat(directory, other, directory, one);
    }
  });
}

std::string contents(int directory, const std::string& path, Resolve resolve) {
  return read_all(open_at(directory, path, O_RDONLY, resolve).get(), 100000, path);
}

TEST(OpenAt, InRootResolvesAsChrootWould) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::make(place.path, {"outside=out", "root/etc/file=in", "root/absolute->/etc/file",
                            "root/up->../../../../etc/file", "root/loop->loop", "root/a->b",
                            "root/b->a", "root/dir/deep->/dir/../etc", "root/far->/outside"});
    const UniqueFd root = open_at(place.fd, "root", O_PATH | O_DIRECTORY, Resolve::kStrict);
    EXPECT_EQ("in", contents(root.get(), "absolute", Resolve::kInRoot));
    EXPECT_EQ("in", contents(root.get(), "up", Resolve::kInRoot));
    EXPECT_EQ("in", contents(root.get(), "dir/deep/file", Resolve::kInRoot));
    EXPECT_EQ("in", contents(root.get(), "../../etc/file", Resolve::kInRoot));
    EXPECT_EQ("in", contents(root.get(), "/etc/file", Resolve::kInRoot));
    EXPECT_EQ(ELOOP, try_open(root.get(), "loop", Resolve::kInRoot));
    EXPECT_EQ(ELOOP, try_open(root.get(), "a", Resolve::kInRoot));
    EXPECT_EQ(ENOENT, try_open(root.get(), "far", Resolve::kInRoot));
    EXPECT_EQ(ENOENT, try_open(root.get(), "../outside", Resolve::kInRoot));
  });
}

TEST(OpenAt, StrictAndNoLinksFollowNothing) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::make(place.path, {"dir/file=x", "link->dir", "dir/out->../.."});
    for (const Resolve resolve : {Resolve::kStrict, Resolve::kNoLinks}) {
      EXPECT_EQ("x", contents(place.fd, "dir/file", resolve));
      EXPECT_EQ(ELOOP, try_open(place.fd, "link/file", resolve));
      EXPECT_EQ(ELOOP, try_open(place.fd, "link", resolve));
      EXPECT_EQ(EXDEV, try_open(place.fd, "dir/../../etc", resolve));
      EXPECT_EQ(EXDEV, try_open(place.fd, "/etc", resolve));
    }
  });
}

TEST(OpenAt, MagicLinksAreRefusedEvenOnTheHost) {
  const UniqueFd self = open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, Resolve::kHost);
  EXPECT_EQ(ELOOP, try_open(self.get(), "self/cwd", Resolve::kInRoot));
  EXPECT_EQ(ELOOP, try_open(AT_FDCWD, "/proc/self/root", Resolve::kHost));
  EXPECT_EQ(ELOOP,
            try_open(AT_FDCWD, "/proc/self/fd/" + std::to_string(self.get()), Resolve::kHost));
}

TEST(OpenAt, StrictStaysOnItsMount) {
  sandbox::run(As::kUser, [](const Place& place) {
    tree::make(place.path, {"dir/inner/"});
    ASSERT_EQ(0, ::mount("tmpfs", (place.path + "/dir").c_str(), "tmpfs", 0, nullptr));
    tree::make(place.path, {"dir/file=x"});
    EXPECT_EQ(EXDEV, try_open(place.fd, "dir", Resolve::kStrict));
    EXPECT_EQ(EXDEV, try_open(place.fd, "dir/file", Resolve::kStrict));
    EXPECT_EQ("x", contents(place.fd, "dir/file", Resolve::kNoLinks));
  });
}

TEST(OpenAt, HostileNamesAreNames) {
  sandbox::run(As::kPlain, [](const Place& place) {
    const std::string newline = "a\nb";
    const std::string invalid = "\xff\xfe";
    tree::make(place.path, {newline + "=1", invalid + "=2", "-rf=3"});
    EXPECT_EQ("1", contents(place.fd, newline, Resolve::kStrict));
    EXPECT_EQ("2", contents(place.fd, invalid, Resolve::kStrict));
    EXPECT_EQ("3", contents(place.fd, "-rf", Resolve::kStrict));
    EXPECT_EQ(EINVAL, try_open(place.fd, std::string("-rf\0x", 5), Resolve::kStrict));
    EXPECT_EQ((std::set<std::string>{newline, invalid, "-rf"}), [&] {
      const auto names = list_directory(place.fd);
      return std::set<std::string>(names.begin(), names.end());
    }());
    EXPECT_FALSE(try_open_at(place.fd, "absent", O_RDONLY, Resolve::kStrict));
    EXPECT_THROW(try_open_at(place.fd, "-rf/x", O_RDONLY, Resolve::kStrict), SystemError);
  });
}

// EAGAIN of a look-up that raced with a rename is tried again, but not for ever.
TEST(OpenAt, IsNotHeldUpByRenames) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::make(place.path, {"root/a/b/file=x", "root/link->a/b/../b/../b/file"});
    const UniqueFd root = open_at(place.fd, "root", O_PATH | O_DIRECTORY, Resolve::kStrict);
    tree::make(place.path, {"x/"});
    const std::jthread renames = rename_to_and_fro(place.fd, "x", "y");
    int opened = 0;
    for (int i = 0; i < 3000; ++i) {
      const int result = try_open(root.get(), "link", Resolve::kInRoot);
      EXPECT_TRUE(result == 0 || result == EAGAIN) << result;
      opened += result == 0 ? 1 : 0;
    }
    EXPECT_GT(opened, 0);
  });
}

// What is moved out while it is opened isn't there: the kernel says EXDEV, as of another mount.
TEST(OpenAt, WhatIsMovedAwayIsAbsent) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::make(place.path, {"root/x/", "elsewhere/"});
    const UniqueFd root = open_at(place.fd, "root", O_PATH | O_DIRECTORY, Resolve::kStrict);
    const std::jthread renames = rename_to_and_fro(place.fd, "root/x", "elsewhere/x");
    std::set<int> results;
    for (int i = 0; i < 100000; ++i) results.insert(try_open(root.get(), "x", Resolve::kStrict));
    EXPECT_EQ((std::set<int>{0, ENOENT}), results);
  });
}

// "Not there" is an answer; that there was no descriptor left to look with is none.
TEST(OpenIfReadable, TellsAbsentFromUnknown) {
  sandbox::run(As::kPlain, [](const Place& place) {
    ASSERT_EQ(0, ::mkdirat(place.fd, "directory", 0700));
    ASSERT_EQ(0, ::symlinkat("directory", place.fd, "link"));
    constexpr int kFlags = O_RDONLY | O_DIRECTORY;
    EXPECT_TRUE(open_if_readable(place.fd, "directory", kFlags));
    EXPECT_TRUE(open_if_readable(place.fd, "", kFlags));
    for (const char* path : {"absent", "absent/too", "link", "link/too"}) {
      EXPECT_FALSE(open_if_readable(place.fd, path, kFlags)) << path;
    }
    std::string deep = "directory";
    while (deep.size() < size_t{2} * PATH_MAX) deep += "/directory";
    EXPECT_FALSE(open_if_readable(place.fd, deep, kFlags));
    const struct ::rlimit none {};
    ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
    for (const std::string& path : {std::string("directory"), deep}) {
      try {
        static_cast<void>(open_if_readable(place.fd, path, kFlags));
        ADD_FAILURE() << "taken for absent";
      } catch (const SystemError& error) {
        EXPECT_EQ(EMFILE, error.error_number());
      }
    }
  });
}

TEST(ReplaceFile, HasTheModeWhateverTheUmask) {
  sandbox::run(As::kPlain, [](const Place& place) {
    ::umask(0777);
    replace_file(place.fd, "state", "one", 0640);
    EXPECT_EQ(mode_t{0640}, stat_at(place.fd, "state")->st_mode & 07777);
    replace_file(place.fd, "state", "two", 0600, Durability::kCrash);
    EXPECT_EQ(mode_t{0600}, stat_at(place.fd, "state")->st_mode & 07777);
    EXPECT_EQ("two", tree::read(place.path + "/state"));
    EXPECT_EQ(std::vector<std::string>{"state"}, tree::names(place.path))
        << "nothing is left beside";
  });
}

TEST(ReplaceFile, ReadersSeeOldOrNewNeverHalf) {
  sandbox::run(As::kPlain, [](const Place& place) {
    const std::string old(20000, 'a');
    const std::string young(50000, 'b');
    replace_file(place.fd, "state", old);
    const std::jthread writer([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        replace_file(place.fd, "state", young, 0600, Durability::kCrash);
        replace_file(place.fd, "state", old, 0600, Durability::kCrash);
      }
    });
    for (int i = 0; i < 2000; ++i) {
      const std::string seen = contents(place.fd, "state", Resolve::kStrict);
      ASSERT_TRUE(seen == old || seen == young) << seen.size();
    }
  });
}

TEST(ReplaceFile, ALinkThereIsReplacedNotFollowed) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::make(place.path, {"victim=precious", "dir/state->../victim"});
    const UniqueFd dir = open_at(place.fd, "dir", O_RDONLY | O_DIRECTORY, Resolve::kStrict);
    replace_file(dir.get(), "state", "new");
    EXPECT_EQ("precious", tree::read(place.path + "/victim"));
    EXPECT_TRUE(S_ISREG(stat_at(dir.get(), "state")->st_mode));
  });
}

TEST(ReplaceFile, AFailureLeavesTheOldOneAlone) {
  sandbox::run(As::kPlain, [](const Place& place) {
    replace_file(place.fd, "state", "old");
    const struct rlimit limit { 1000, 1000 };
    ASSERT_EQ(0, ::setrlimit(RLIMIT_FSIZE, &limit));
    ::signal(SIGXFSZ, SIG_IGN);
    EXPECT_THROW(replace_file(place.fd, "state", std::string(5000, 'x')), SystemError);
    EXPECT_EQ("old", tree::read(place.path + "/state"));
    EXPECT_EQ(std::vector<std::string>{"state"}, tree::names(place.path));
  });
}

TEST(ReadAll, StopsAtTheBound) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::write(place.path + "/file", std::string(100000, 'x'));
    const auto open = [&] { return open_at(place.fd, "file", O_RDONLY, Resolve::kStrict); };
    EXPECT_EQ(100000U, read_all(open().get(), 100000, "file").size());
    try {
      read_all(open().get(), 99999, "file", Code::kConfig);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ("config: more than 99999 bytes; \"file\"", error.line());
    }
    const UniqueFd endless = open_at(AT_FDCWD, "/dev/zero", O_RDONLY, Resolve::kHost);
    EXPECT_THROW(read_all(endless.get(), 1 << 20, "/dev/zero"), Error);
    EXPECT_THROW(read_all(place.fd, 10, "a directory"), SystemError);
  });
}

TEST(ReadAll, GoesThroughShortReadsAndSignals) {
  sandbox::run(As::kPlain, [](const Place&) {
    int ends[2];
    ASSERT_EQ(0, ::pipe2(ends, O_CLOEXEC));
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    struct ::sigaction action {};
    action.sa_handler = [](int) {};  // without SA_RESTART: calls end with EINTR
    ASSERT_EQ(0, ::sigaction(SIGUSR1, &action, nullptr));
    const std::string text(5000, 'x');
    const pthread_t main_thread = ::pthread_self();
    std::jthread drip([&] {
      for (const char c : text) {
        ::pthread_kill(main_thread, SIGUSR1);
        if (::write(writer.get(), &c, 1) != 1) break;
      }
      writer.reset();
    });
    EXPECT_EQ(text, read_all(reader.get(), text.size(), "pipe"));
    drip.join();
  });
}

TEST(WriteAll, ReportsAFullDevice) {
  const UniqueFd full = open_at(AT_FDCWD, "/dev/full", O_WRONLY, Resolve::kHost);
  EXPECT_THROW(write_all(full.get(), "x", "/dev/full"), SystemError);
}

TEST(Xattrs, RoundTripWithAnyBytes) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::make(place.path, {"file"});
    const UniqueFd file = open_at(place.fd, "file", O_RDWR, Resolve::kStrict);
    const std::string value("a\0b\xff", 4);
    if (!set_xattr(file.get(), "user.one", value)) sandbox::skip("no user.* attributes here");
    ASSERT_TRUE(set_xattr(file.get(), "user.two", std::string(1000, 'x')));
    EXPECT_EQ(value, get_xattr(file.get(), "user.one"));
    EXPECT_EQ(1000U, get_xattr(file.get(), "user.two")->size());
    EXPECT_FALSE(get_xattr(file.get(), "user.three"));
    const auto names = list_xattrs(file.get());
    EXPECT_EQ((std::set<std::string>{"user.one", "user.two"}),
              std::set<std::string>(names.begin(), names.end()));
    EXPECT_FALSE(set_xattr(file.get(), "trusted.x", "y")) << "a plain user may not";
  });
}

TEST(Filesystem, HasAName) {
  const UniqueFd proc = open_at(AT_FDCWD, "/proc", O_PATH, Resolve::kHost);
  EXPECT_EQ("proc", filesystem_name(filesystem_type(proc.get())));
  EXPECT_EQ("file system 0x1234", filesystem_name(0x1234));
}

}  // namespace
}  // namespace hookcore::sys
