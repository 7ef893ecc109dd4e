// The empty session that poststop keeps for the next container.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "libhookcore/session/store.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::session {
namespace {

using sandbox::As;
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

class SpareTest : public testing::TestWithParam<As> {};

TEST_P(SpareTest, TheSpareSessionIsTakenByOneNewOne) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Store store = Store::open(place.path + "/store");
    const auto in = [&](const std::string& below) {
      return tree::names(place.path + "/store/" + below);
    };
    using Names = std::vector<std::string>;
    { store.acquire("old").write_state(state_of(proc, 0)); }
    store.keep_spare({"upper.new", "work"});
    store.keep_spare({"upper.new", "work"});
    EXPECT_EQ((Names{"state.json", "upper.new", "work"}), in("spare"));
    EXPECT_FALSE(store.acquire("old").is_new()) << "what is there stays as it is";
    EXPECT_EQ(Names{"state.json"}, in("sessions/old"));
    EXPECT_EQ((Names{"state.json", "upper.new", "work"}), in("spare"));
    EXPECT_TRUE(store.collect(proc).problems.empty());
    {
      const Session taken = store.acquire("taken");
      EXPECT_TRUE(taken.is_new());
      EXPECT_FALSE(taken.state());
    }
    EXPECT_EQ((Names{"state.json", "upper.new", "work"}), in("sessions/taken"));
    EXPECT_FALSE(tree::exists(place.path + "/store/spare"));
    EXPECT_TRUE(store.acquire("next").is_new());
    EXPECT_TRUE(in("sessions/next").empty());
    EXPECT_TRUE(in("trash").empty());
    EXPECT_EQ(2U, store.collect(proc).removed) << "a session without a state is nobody's";
  });
}

// A collection that had begun with it would go on where a container has it as its session.
TEST_P(SpareTest, ASpareThatIsBeingRemovedIsNotKept) {
  sandbox::run(GetParam(), [](const Place& place) {
    Store store = Store::open(place.path + "/store");
    const std::string left = "store/trash/spare." + std::to_string(::getpid());
    tree::make(place.path, {left + "/half"});
    store.keep_spare({"work"});
    EXPECT_FALSE(tree::exists(place.path + "/store/spare")) << "what a killed one left";
    EXPECT_TRUE(store.collect(sys::Proc::open()).problems.empty());
    EXPECT_FALSE(tree::exists(place.path + "/" + left));
    store.keep_spare({"work", "nowhere/below"});
    EXPECT_FALSE(tree::exists(place.path + "/store/spare")) << "not whole";
    EXPECT_TRUE(store.collect(sys::Proc::open()).problems.empty());
    EXPECT_TRUE(tree::names(place.path + "/store/trash").empty());
  });
}

// Removers and starters at once: what has become a container's stays.
TEST_P(SpareTest, NobodyRemovesASpareThatWasTaken) {
  sandbox::run(GetParam(), [](const Place& place) {
    const std::string root = place.path + "/store";
    Store store = Store::open(root);
    const auto in_child = [&](const std::function<void(Store&)>& work) {
      const pid_t child = ::fork();
      if (child == 0) {
        Store own = Store::open(root);
        for (int round = 0; round < 300; ++round) work(own);
        ::_exit(0);
      }
      return child;
    };
    const pid_t keeper = in_child([](Store& own) { own.keep_spare({"upper.new", "work"}); });
    const pid_t collector = in_child([](Store& own) {
      CollectResult result;
      own.empty_trash(result);
    });
    const sys::Proc proc = sys::Proc::open();
    const std::string sessions = root + "/sessions/";
    for (int round = 0; round < 300; ++round) {
      const std::string name = "c-" + std::to_string(round);
      store.acquire(name).write_state(state_of(proc, ::getpid()));
      const auto names = tree::names(sessions + name);
      EXPECT_TRUE(names.size() == 1 || names.size() == 3) << round << ": " << names.size();
    }
    for (const pid_t child : {keeper, collector}) {
      int status = 0;
      ASSERT_EQ(child, ::waitpid(child, &status, 0));
      EXPECT_EQ(0, status);
    }
    for (int round = 0; round < 300; ++round) {
      EXPECT_TRUE(store.find("c-" + std::to_string(round))->state()) << round;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(As, SpareTest, testing::Values(As::kRoot, As::kUser), sandbox::name_of);

}  // namespace
}  // namespace hookcore::session
