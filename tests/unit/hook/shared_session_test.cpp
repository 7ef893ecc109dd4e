#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "libhookcore/base/error.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/file.h"
#include "tests/unit/hook/bench.h"

namespace hookcore::hook {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;
using testing::Outcome;
using Lines = std::vector<std::string>;

constexpr const char* kWorkspace = "rootfs/workspace";

void expect_success(const Outcome& outcome) { EXPECT_EQ(0, outcome.exit_code) << outcome.error; }

void expect_refusal(const Outcome& outcome, Code code, const std::string& part) {
  EXPECT_EQ(hook_exit_code(code), outcome.exit_code) << outcome.error;
  EXPECT_NE(std::string::npos, outcome.error.find(part)) << outcome.error;
}

void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

/// Containers of one session, whose name is "build".
class SharedSession : public ::testing::TestWithParam<As> {
 protected:
  void bench(const std::function<void(Bench&)>& body) {
    sandbox::run(GetParam(), [&](const Place& place) {
      Bench one(place);
      one.annotations["io.cnb.hooks.session"] = "build";
      body(one);
    });
  }
};

void start(Bench& b, const std::string& id) {
  b.id = id;
  b.start();
}

session::SessionState state_of(const Bench& b) {
  const auto store = session::Store::open_existing(b.store());
  const auto state = session::read_state(store->look("n-build")->get());
  EXPECT_TRUE(state);
  return state.value_or(session::SessionState());
}

TEST_P(SharedSession, TwoAtOnceSeeOneWorkspaceAndTheSecondOutlivesTheFirst) {
  bench([](Bench& b) {
    const auto before = tree::snapshot(b.path("source"));
    start(b, "first");
    expect_success(b.mount_hook());
    tree::make(b.inside(kWorkspace), {"from-first=1"});
    const pid_t first = b.let_go();
    start(b, "second");
    expect_success(b.mount_hook());
    EXPECT_EQ((Lines{"overlay rootfs/workspace"}), b.mounts(kWorkspace));
    EXPECT_EQ("1", tree::read(b.inside("rootfs/workspace/from-first")));
    tree::make(b.inside(kWorkspace), {"from-second=2"});
    EXPECT_EQ("2", tree::read(b.inside_of(first, "rootfs/workspace/from-second")));
    tree::make(b.inside("rootfs/layers"), {"layer=x"});
    EXPECT_EQ("x", tree::read(b.inside_of(first, "rootfs/layers/layer")));
    EXPECT_EQ(Lines{"n-build"}, b.sessions());
    EXPECT_EQ(2U, state_of(b).members.size());
    end(first);
    tree::make(b.inside(kWorkspace), {"alone=3"});
    EXPECT_EQ("1", tree::read(b.inside("rootfs/workspace/from-first")));
    EXPECT_EQ(before, tree::snapshot(b.path("source")));
    EXPECT_TRUE(b.host_mounts("rootfs").empty());
  });
}

TEST_P(SharedSession, FiveOneAfterAnotherCarryTheirWorkOn) {
  bench([](Bench& b) {
    for (int run = 0; run < 5; ++run) {
      start(b, "run-" + std::to_string(run));
      expect_success(b.mount_hook());
      for (int old = 0; old < run; ++old) {
        EXPECT_TRUE(tree::exists(b.inside("rootfs/workspace/run-" + std::to_string(old)))) << run;
        EXPECT_TRUE(tree::exists(b.inside("rootfs/layers/run-" + std::to_string(old)))) << run;
      }
      EXPECT_FALSE(tree::exists(b.inside("rootfs/workspace/node_modules")));
      tree::make(b.inside(kWorkspace), {"run-" + std::to_string(run)});
      tree::make(b.inside("rootfs/layers"), {"run-" + std::to_string(run)});
      b.stop();
      if (run % 2 == 0) expect_success(b.poststop_hook());
      EXPECT_EQ(Lines{"n-build"}, b.sessions()) << "it is the session's, not the container's";
    }
  });
}

TEST_P(SharedSession, PoststopTakesTheMemberAlone) {
  bench([](Bench& b) {
    start(b, "first");
    expect_success(b.mount_hook());
    const pid_t first = b.let_go();
    start(b, "second");
    expect_success(b.mount_hook());
    b.stop();
    expect_success(b.poststop_hook());
    ASSERT_EQ(1U, state_of(b).members.size());
    EXPECT_EQ("first", state_of(b).members[0].container);
    end(first);
  });
}

TEST_P(SharedSession, AReaderFirstAndAWriterAfterAndTheOtherWayRound) {
  bench([](Bench& b) {
    b.annotations["io.cnb.hooks.workspace"] = "readonly";
    start(b, "reader");
    expect_success(b.mount_hook());
    EXPECT_EQ(-1, ::mkdir(b.inside("rootfs/workspace/no").c_str(), 0755));
    EXPECT_EQ(EROFS, errno);
    const pid_t reader = b.let_go();
    b.annotations["io.cnb.hooks.workspace"] = "overlay";
    start(b, "writer");
    expect_success(b.mount_hook());
    tree::make(b.inside(kWorkspace), {"written=w"});
    EXPECT_EQ("w", tree::read(b.inside_of(reader, "rootfs/workspace/written")));
    EXPECT_EQ(-1, ::mkdir(b.inside_of(reader, "rootfs/workspace/no").c_str(), 0755));
    const pid_t writer = b.let_go();
    end(reader);
    b.annotations["io.cnb.hooks.workspace"] = "readonly";
    start(b, "reader-2");
    expect_success(b.mount_hook());
    EXPECT_EQ("w", tree::read(b.inside("rootfs/workspace/written")));
    EXPECT_EQ(-1, ::mkdir(b.inside("rootfs/workspace/no").c_str(), 0755));
    end(writer);
  });
}

TEST_P(SharedSession, AnotherSourceIsRefused) {
  bench([](Bench& b) {
    start(b, "first");
    expect_success(b.mount_hook());
    const pid_t first = b.let_go();
    tree::make(b.path(""), {"elsewhere/file=other"});
    const std::string source = b.workspace_source;
    b.workspace_source = b.path("elsewhere");
    for (const char* id : {"living", "dead"}) {
      start(b, id);
      expect_refusal(b.mount_hook(), Code::kSession, "another source");
      b.stop();
      if (std::string(id) == "living") end(first);
    }
    b.workspace_source = source;
    start(b, "again");
    expect_success(b.mount_hook());
  });
}

TEST_P(SharedSession, ScratchInMemoryIsJoinedWithItsLayers) {
  bench([](Bench& b) {
    b.annotations["io.cnb.hooks.scratch"] = "tmpfs:4m";
    start(b, "first");
    expect_success(b.mount_hook());
    tree::make(b.inside(kWorkspace), {"w=1"});
    tree::make(b.inside("rootfs/layers"), {"l=2"});
    const pid_t first = b.let_go();
    start(b, "second");
    expect_success(b.mount_hook());
    EXPECT_EQ("1", tree::read(b.inside("rootfs/workspace/w")));
    EXPECT_EQ("2", tree::read(b.inside("rootfs/layers/l")));
    const pid_t second = b.let_go();
    b.annotations.erase("io.cnb.hooks.scratch");
    start(b, "third");
    expect_refusal(b.mount_hook(), Code::kSession, "scratch");
    end(first);
    end(second);
  });
}

// A killed container without a pid namespace of its own leaves its children, and they its mounts.
TEST_P(SharedSession, AProcessThatOutlivesItsContainerIsJoinedAndKeepsTheSession) {
  bench([](Bench& b) {
    start(b, "first");
    expect_success(b.mount_hook());
    const pid_t first = b.let_go();
    const pid_t child = ::fork();
    if (child == 0) {
      const sys::UniqueFd ns(
          ::open(("/proc/" + std::to_string(first) + "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
      if (::setns(ns.get(), 0) != 0) ::_exit(1);
      while (true) ::pause();
    }
    const std::string inside = b.inside_of(child, "rootfs/workspace/file");
    while (!tree::exists(inside)) ::usleep(1000);
    end(first);
    session::Store store = session::Store::open(b.store());
    const sys::Proc proc = sys::Proc::open();
    EXPECT_THROW(store.remove(*store.find("n-build"), proc), Error);
    start(b, "second");
    expect_success(b.mount_hook());
    tree::make(b.inside(kWorkspace), {"joined=1"});
    EXPECT_EQ("1", tree::read(b.inside_of(child, "rootfs/workspace/joined")));
    end(child);
  });
}

TEST_P(SharedSession, ARefusedFirstContainerLeavesNoSession) {
  bench([](Bench& b) {
    tree::make(b.path("rootfs"), {"layers->/etc"});
    start(b, "first");
    expect_refusal(b.mount_hook(), Code::kLayout, "/layers is a link");
    EXPECT_TRUE(b.sessions().empty());
  });
}

INSTANTIATE_TEST_SUITE_P(As, SharedSession, ::testing::Values(As::kRoot, As::kUser),
                         sandbox::name_of);

}  // namespace
}  // namespace hookcore::hook
