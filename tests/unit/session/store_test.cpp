#include "libhookcore/session/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::session {
namespace {

using sandbox::As;
using sandbox::InMemory;
using sandbox::Place;

SessionState state_of(const sys::Proc& proc, pid_t pid) {
  SessionState state;
  state.container = "c";
  state.bundle = "/nowhere/at/all";
  state.boot_id = proc.boot_id();
  state.scratch = "disk";
  if (pid != 0) state.members = {{pid, proc.start_time(pid).value_or(0), true}};
  return state;
}

void expect_error_of(Code code, const std::string& part, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "no error about " << part;
  } catch (const Error& error) {
    EXPECT_EQ(code, error.code());
    EXPECT_NE(std::string::npos, error.line().find(part)) << error.line();
  }
}

class StoreTest : public testing::TestWithParam<As> {};

TEST_P(StoreTest, IsMadeForItsOwnerOnly) {
  sandbox::run(GetParam(), [](const Place& place) {
    ::umask(0);
    const std::string root = place.path + "/a/b/store";
    EXPECT_FALSE(Store::open_existing(root));
    const Store store = Store::open(root);
    for (const char* name : {"a", "a/b", "a/b/store", "a/b/store/sessions", "a/b/store/trash"}) {
      const auto status = sys::stat_at(place.fd, name);
      ASSERT_TRUE(status) << name;
      EXPECT_EQ(mode_t{0700}, status->st_mode & 07777) << name;
    }
    EXPECT_TRUE(store.names().empty());
    EXPECT_TRUE(Store::open_existing(root));
  });
}

TEST_P(StoreTest, OfSomebodyElseIsRefused) {
  sandbox::run(GetParam(), [](const Place& place) {
    tree::make(place.path, {"store/"});
    const std::string root = place.path + "/store";
    for (const mode_t mode : {0720, 0702, 0777}) {
      ASSERT_EQ(0, ::chmod(root.c_str(), mode));
      expect_error_of(Code::kScratch, "mode 07", [&] { Store::open(root); });
    }
    ASSERT_EQ(0, ::chmod(root.c_str(), 0700));
    if (place.as == As::kRoot) {
      ASSERT_EQ(0, ::chown(root.c_str(), 4711, 0));
      expect_error_of(Code::kScratch, "belongs to uid 4711", [&] { Store::open(root); });
      ASSERT_EQ(0, ::chown(root.c_str(), 0, 0));
    }
    tree::make(place.path, {"file=", "store/sessions->/etc"});
    expect_error_of(Code::kScratch, "Not a directory",
                    [&] { Store::open(place.path + "/file/x"); });
    EXPECT_THROW(Store::open(root), Error) << "a link is no directory of ours";
  });
}

TEST_P(StoreTest, NamesOfContainersAreNames) {
  EXPECT_EQ("c-0123abc", Store::anonymous_name("0123abc"));
  for (const std::string bad : {"", "a/b", "..", "a\nb", "a b"}) {
    if (bad == "..") continue;  // becomes "c-..", a name like others
    EXPECT_THROW(Store::anonymous_name(bad), Error) << bad;
  }
  EXPECT_EQ("c-..", Store::anonymous_name(".."));
  EXPECT_THROW(Store::anonymous_name(std::string(201, 'a')), Error);
}

TEST_P(StoreTest, ASessionIsNewOnceAndKeepsItsState) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Store store = Store::open(place.path + "/store");
    {
      Session session = store.acquire("one");
      EXPECT_TRUE(session.is_new());
      EXPECT_FALSE(session.state());
      session.write_state(state_of(proc, ::getpid()));
    }
    const Session again = store.acquire("one");
    EXPECT_FALSE(again.is_new());
    ASSERT_TRUE(again.state());
    EXPECT_EQ(::getpid(), again.state()->members.at(0).pid);
    EXPECT_FALSE(store.find("other"));
    EXPECT_EQ(std::vector<std::string>{"one"}, store.names());
    EXPECT_EQ(mode_t{0600}, sys::stat_at(again.fd(), "state.json")->st_mode & 07777);
  });
}

// Whatever becomes of the file, what is read is a state that was written.
TEST_P(StoreTest, ANewSessionsStatesFollowOneAnother) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    const std::string file = place.path + "/store/sessions/one/state.json";
    Store store = Store::open(place.path + "/store");
    SessionState state = state_of(proc, ::getpid());
    const auto written = [&] { return parse_session_state(tree::read(file)).value().members; };
    {
      Session session = store.acquire("one");
      session.write_state(state);
      const auto first = sys::stat_at(session.fd(), "state.json");
      state.members.at(0).mounted = true;
      session.write_state(state);
      EXPECT_EQ(first->st_ino, sys::stat_at(session.fd(), "state.json")->st_ino);
      EXPECT_EQ(state.members, written());
    }
    Session again = store.acquire("one");
    EXPECT_EQ(state.members, again.state()->members);
    state.members.clear();
    again.write_state(state);
    EXPECT_TRUE(written().empty());
    EXPECT_EQ(format_state(state), tree::read(file)) << "what was before is gone from the file";
  });
}

// What a hook leaves that was killed while it wrote the first state.
TEST_P(StoreTest, ASessionWithoutAWholeStateIsWrittenAnew) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Store store = Store::open(place.path + "/store");
    const SessionState state = state_of(proc, ::getpid());
    tree::make(place.path, {"store/sessions/one/"});
    tree::write(place.path + "/store/sessions/one/state.json", format_state(state).substr(0, 40));
    {
      Session session = store.acquire("one");
      EXPECT_FALSE(session.state());
      session.write_state(state);
    }
    EXPECT_EQ(state.members, store.acquire("one").state().value().members);
  });
}

TEST_P(StoreTest, WhatStandsInASessionsPlaceIsNotTakenForIt) {
  sandbox::run(GetParam(), [](const Place& place) {
    Store store = Store::open(place.path + "/store");
    const Session session = store.acquire("one");
    EXPECT_TRUE(sys::is_same_object(store.reopen(session).get(), session.fd(), "session"));
    const std::string path = place.path + "/store/sessions/one";
    ASSERT_EQ(0, ::rename(path.c_str(), (place.path + "/store/sessions/two").c_str()));
    tree::make(place.path, {"store/sessions/one/"});
    expect_error_of(Code::kScratch, "the mount namespace shows another directory",
                    [&] { store.reopen(session); });
  });
}

TEST_P(StoreTest, TheLockHoldsBetweenProcesses) {
  sandbox::run(GetParam(), [](const Place& on_disk) {
    const InMemory memory(on_disk);
    const Place& place = memory.place;
    const std::string root = place.path + "/store";
    Store store = Store::open(root);
    // Each adds to a number that it reads and writes without atomicity: the lock makes it exact.
    constexpr int kProcesses = 4;
    constexpr int kRounds = 100;
    tree::write(place.path + "/number", "0");
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        Store own = Store::open(root);
        for (int round = 0; round < kRounds; ++round) {
          const Session session = own.acquire("shared");
          const int number = std::stoi(tree::read(place.path + "/number"));
          tree::write(place.path + "/number", std::to_string(number + 1));
        }
        ::_exit(0);
      }
      children.push_back(pid);
    }
    for (const pid_t pid : children) {
      int status = 0;
      ::waitpid(pid, &status, 0);
      EXPECT_EQ(0, status);
    }
    EXPECT_EQ(kProcesses * kRounds, std::stoi(tree::read(place.path + "/number")));
  });
}

TEST_P(StoreTest, RemoveTakesEverythingButNotFromALivingContainer) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Store store = Store::open(place.path + "/store");
    Session session = store.acquire("one");
    session.write_state(state_of(proc, ::getpid()));
    tree::make(place.path, {"store/sessions/one/upper/dir/file"});
    expect_error_of(Code::kSession, "running", [&] { store.remove(std::move(session), proc); });
    Session again = store.acquire("one");
    again.write_state(state_of(proc, 0));
    store.remove(std::move(again), proc);
    EXPECT_TRUE(store.names().empty());
    EXPECT_TRUE(tree::names(place.path + "/store/trash").empty());
  });
}

// Waits for another process; a minute is for a machine that is busy.
bool comes_true(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_P(StoreTest, WhatIsMuchIsTakenOutOfSightAndRemovedByAnother) {
  sandbox::run(GetParam(), [](const Place& on_disk) {
    const InMemory memory(on_disk);
    const Place& place = memory.place;
    const sys::Proc proc = sys::Proc::open();
    const std::string trash = place.path + "/store/trash";
    Store store = Store::open(place.path + "/store");
    for (const char* name : {"one", "two"}) {
      store.acquire(name).write_state(state_of(proc, 0));
      for (int i = 0; i < 50; ++i) {
        tree::make(place.path, {std::string("store/sessions/") + name + "/upper/" +
                                std::to_string(i) + "/file"});
      }
    }
    EXPECT_FALSE(store.remove(*store.find("one"), proc, 10));
    EXPECT_EQ(std::vector<std::string>{"two"}, store.names());
    CollectResult result = store.collect(proc, 0, 10);
    EXPECT_EQ(1U, result.removed);
    EXPECT_TRUE(result.unfinished);
    EXPECT_TRUE(result.problems.empty());
    EXPECT_EQ(2U, tree::names(trash).size());
    store.empty_trash_detached();
    EXPECT_TRUE(comes_true([&] { return tree::names(trash).empty(); }));
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    EXPECT_TRUE(store.names().empty()) << "nothing else was touched";
  });
}

TEST_P(StoreTest, OneThingInTrashIsRemovedByOneProcess) {
  sandbox::run(GetParam(), [](const Place& place) {
    Store store = Store::open(place.path + "/store");
    tree::make(place.path, {"store/trash/busy/file", "store/trash/idle/file"});
    const std::string busy = place.path + "/store/trash/busy";
    sys::UniqueFd other(::open(busy.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(0, ::flock(other.get(), LOCK_EX));
    CollectResult result;
    store.empty_trash(result, kAtOnce);
    EXPECT_TRUE(result.unfinished) << "somebody has to look after it again";
    EXPECT_EQ(std::vector<std::string>{"busy"}, tree::names(place.path + "/store/trash"));
    const pid_t waiting = ::fork();
    if (waiting == 0) {
      other.reset();
      CollectResult own;
      Store::open(place.path + "/store").empty_trash(own);
      ::_exit(own.unfinished ? 1 : 0);
    }
    other.reset();
    int status = 0;
    ::waitpid(waiting, &status, 0);
    EXPECT_EQ(0, status);
    EXPECT_TRUE(tree::names(place.path + "/store/trash").empty());
  });
}

TEST_P(StoreTest, CollectTakesWhatIsOverAndNothingElse) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    const std::string sessions = place.path + "/store/sessions/";
    Store store = Store::open(place.path + "/store");
    store.acquire("running").write_state(state_of(proc, ::getpid()));
    store.acquire("over").write_state(state_of(proc, 0));
    SessionState stopped = state_of(proc, 0);
    stopped.restartable = true;
    stopped.bundle = place.path;
    store.acquire("stopped").write_state(stopped);
    SessionState old_boot = state_of(proc, ::getpid());
    old_boot.boot_id = "before";
    store.acquire("crashed").write_state(old_boot);
    store.acquire("no-state");
    store.acquire("broken").write_state(state_of(proc, 0));
    tree::write(sessions + "broken/state.json", "{\"version\": 1, \"cont");
    tree::make(place.path, {"store/trash/left/upper/file", "store/sessions/over/upper/file",
                            "store/.upper-probed.1.2"});
    const Session locked = store.acquire("locked");

    const CollectResult result = store.collect(proc);
    EXPECT_TRUE(result.problems.empty()) << result.problems.front();
    EXPECT_EQ(4U, result.removed);
    EXPECT_EQ(3U, result.kept);
    EXPECT_EQ((std::vector<std::string>{"locked", "running", "stopped"}), tree::names(sessions));
    EXPECT_TRUE(tree::names(place.path + "/store/trash").empty());
    EXPECT_EQ((std::vector<std::string>{"sessions", "trash"}), tree::names(place.path + "/store"));
  });
}

TEST_P(StoreTest, ANamedSessionStaysUntilItWasIdleForLong) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    const std::string sessions = place.path + "/store/sessions/";
    Store store = Store::open(place.path + "/store");
    SessionState named = state_of(proc, 0);
    named.kind = Kind::kNamed;
    SessionState pod = named;
    pod.kind = Kind::kPod;
    pod.pod_bundle = place.path;
    SessionState killed = named;
    killed.members = {{0x7FFFFFF0, 1, true}};
    store.acquire("n-idle").write_state(named);
    store.acquire("n-killed").write_state(killed);
    store.acquire("p-there").write_state(pod);
    pod.pod_bundle = "/nowhere/at/all";
    store.acquire("p-out-of-sight").write_state(pod);
    pod.pod_bundle = place.path + "/sandbox/bundle";
    store.acquire("p-gone").write_state(pod);
    store.acquire("p-gone-just-now").write_state(pod);
    for (const char* name : {"n-odd", "n-odd-copy", "n-odd-empty"}) store.acquire(name);
    tree::make(sessions,
               {"n-odd/upper/", "n-odd/upper/file", "n-odd-copy/copy/", "n-odd-empty/upper/"});
    const struct ::timespec old[2] = {{1000, 0}, {1000, 0}};
    for (const char* name : {"n-idle", "n-killed", "p-there", "p-out-of-sight", "p-gone"}) {
      ASSERT_EQ(0, ::utimensat(AT_FDCWD, (sessions + name).c_str(), old, 0));
    }
    EXPECT_EQ(2U, store.collect(proc).removed) << "without a limit only what nobody has written in";
    EXPECT_FALSE(tree::exists(sessions + "p-gone"));
    const CollectResult result = store.collect(proc, 3600);
    EXPECT_EQ(1U, result.removed);
    EXPECT_EQ((std::vector<std::string>{"n-killed", "n-odd", "n-odd-copy", "p-gone-just-now",
                                        "p-out-of-sight", "p-there"}),
              tree::names(sessions))
        << "the time of n-killed began when its container was found dead";
    EXPECT_EQ(2U, result.problems.size()) << "an odd one is told, and not thrown away";
  });
}

// Both have to say so, the engine and the disk: see Store::collect_removed_pod.
TEST_P(StoreTest, APodThatTheEngineHasRemovedNeedsNoGrace) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    const std::string sessions = place.path + "/store/sessions/";
    Store store = Store::open(place.path + "/store");
    SessionState pod = state_of(proc, 0);
    pod.kind = Kind::kPod;
    pod.pod_bundle = place.path + "/sandbox/bundle";
    pod.members = {{0x7FFFFFF0, 1, true}};
    store.acquire("p-removed").write_state(pod);
    store.acquire("p-known").write_state(pod);
    store.acquire("p-odd");
    SessionState other = pod;
    other.boot_id = "another";
    store.acquire("p-other-boot").write_state(other);
    other = pod;
    other.pod_bundle = place.path;
    store.acquire("p-sandbox-there").write_state(other);
    other = pod;
    other.kind = Kind::kNamed;
    store.acquire("n-removed").write_state(other);
    std::vector<std::string> asked;
    const CollectResult result = store.collect(proc, 0, sys::kNoLimit, [&](std::string_view uid) {
      asked.emplace_back(uid);
      return uid != "known";
    });
    std::sort(asked.begin(), asked.end());
    EXPECT_EQ((std::vector<std::string>{"known", "odd", "other-boot", "removed", "sandbox-there"}),
              asked);
    EXPECT_EQ((std::vector<std::string>{"n-removed", "p-known", "p-other-boot", "p-sandbox-there"}),
              tree::names(sessions));
    EXPECT_EQ(1U, result.awaited) << "p-sandbox-there";
    EXPECT_TRUE(tree::names(place.path + "/store/trash").empty());
  });
}

// One thing that isn't as it should be must not keep everything else from being collected.
TEST_P(StoreTest, CollectGoesOnAfterAProblem) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Store store = Store::open(place.path + "/store");
    store.acquire("a-over").write_state(state_of(proc, 0));
    store.acquire("z-over").write_state(state_of(proc, 0));
    tree::make(place.path, {"store/sessions/m-file", "store/sessions/n-odd/state.json/"});
    tree::make(place.path, {"source/file=precious", "store/trash/t/bound/"});
    ASSERT_EQ(0, ::mount((place.path + "/source").c_str(),
                         (place.path + "/store/trash/t/bound").c_str(), nullptr, MS_BIND, nullptr));
    const CollectResult result = store.collect(proc);
    EXPECT_EQ(2U, result.removed);
    EXPECT_EQ(3U, result.problems.size());
    EXPECT_EQ("precious", tree::read(place.path + "/source/file"));
    ASSERT_EQ(0, ::umount2((place.path + "/store/trash/t/bound").c_str(), MNT_DETACH));
  });
}

TEST_P(StoreTest, AcquireAndCollectRace) {
  sandbox::run(GetParam(), [](const Place& on_disk) {
    const InMemory memory(on_disk);
    const Place& place = memory.place;
    const std::string root = place.path + "/store";
    Store store = Store::open(root);
    const sys::Proc proc = sys::Proc::open();
    std::jthread collector([&](const std::stop_token& stop) {
      Store own = Store::open(root);
      while (!stop.stop_requested()) own.collect(proc);
    });
    // Whoever holds a session holds the directory that its name means.
    for (int round = 0; round < 500; ++round) {
      Session session = store.acquire("contested");
      const auto named = store.look("contested");
      ASSERT_TRUE(named);
      EXPECT_TRUE(sys::is_same_object(named->get(), session.fd(), "session")) << round;
      session.write_state(state_of(proc, round % 2 == 0 ? ::getpid() : 0));
      EXPECT_TRUE(tree::exists(root + "/sessions/contested/state.json")) << round;
      session.write_state(state_of(proc, 0));
    }
    collector.request_stop();
    collector.join();
    EXPECT_TRUE(store.collect(proc).problems.empty());
    EXPECT_TRUE(store.names().empty());
  });
}

TEST_P(StoreTest, ACollectionThatIsKilledIsFinishedByTheNext) {
  sandbox::run(GetParam(), [](const Place& on_disk) {
    const InMemory memory(on_disk);
    const Place& place = memory.place;
    const std::string root = place.path + "/store";
    const sys::Proc proc = sys::Proc::open();
    Store store = Store::open(root);
    bool interrupted = false;
    for (int round = 0; round < 20; ++round) {
      store.acquire("big").write_state(state_of(proc, 0));
      const std::string upper = root + "/sessions/big/upper/";
      for (int i = 0; i < 20; ++i) {
        std::string deep = "sessions/big/upper/" + std::to_string(i);
        for (int level = 0; level < 70; ++level) deep += "/d";
        tree::make(root, {deep + "/file"});
      }
      const pid_t pid = ::fork();
      if (pid == 0) {
        Store::open(root).collect(proc);
        ::_exit(0);
      }
      while (tree::exists(upper)) std::this_thread::yield();  // it has begun
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      interrupted = interrupted || !tree::names(root + "/trash").empty();
      const CollectResult result = store.collect(proc);
      EXPECT_TRUE(result.problems.empty()) << result.problems.front();
      EXPECT_TRUE(tree::names(root + "/trash").empty());
      EXPECT_TRUE(store.names().empty());
    }
    EXPECT_TRUE(interrupted) << "no round was cut off in the middle";
  });
}

TEST(DefaultRoot, DependsOnTheUser) {
  EXPECT_EQ("/var/lib/oci-cnb-hooks", default_root(true, 0, ""));
  EXPECT_EQ("/home/u/.local/share/oci-cnb-hooks", default_root(false, 1000, "/home/u"));
  EXPECT_EQ("/var/tmp/oci-cnb-hooks-1000", default_root(false, 1000, ""));
}

INSTANTIATE_TEST_SUITE_P(As, StoreTest, testing::Values(As::kRoot, As::kUser), sandbox::name_of);

}  // namespace
}  // namespace hookcore::session
