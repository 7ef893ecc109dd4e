#include "libhookcore/session/liveness.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::session {
namespace {

using sandbox::As;
using sandbox::Place;

class Liveness : public testing::Test {
 protected:
  Liveness() : proc_(sys::Proc::open()) {
    state_.boot_id = proc_.boot_id();
    state_.bundle = "/nowhere/at/all";
    state_.members = {{::getpid(), *proc_.start_time(::getpid()), true}};
  }
  sys::Proc proc_;
  SessionState state_;
};

TEST_F(Liveness, AProcessIsNamedByPidStartAndBoot) {
  EXPECT_TRUE(has_living_member(proc_, state_));
  SessionState other = state_;
  other.members[0].start_time += 1;
  EXPECT_FALSE(has_living_member(proc_, other)) << "the pid was given to another process";
  other = state_;
  other.boot_id = "another";
  EXPECT_FALSE(has_living_member(proc_, other));
  other = state_;
  other.members[0].pid = 0x7FFFFFF0;
  EXPECT_FALSE(has_living_member(proc_, other));
  other.members.push_back(state_.members[0]);
  EXPECT_TRUE(has_living_member(proc_, other)) << "one of several is enough";
}

// A collection from another pid namespace must not take living sessions for dead ones.
TEST_F(Liveness, AProcessOfAnotherPidNamespaceMayLive) {
  state_.members[0].pid_namespace = proc_.pid_namespace();
  EXPECT_NE(0U, proc_.pid_namespace());
  EXPECT_TRUE(has_living_member(proc_, state_));
  state_.members[0].start_time += 1;
  EXPECT_FALSE(has_living_member(proc_, state_));
  state_.members[0].pid_namespace += 1;
  EXPECT_TRUE(has_living_member(proc_, state_));
  state_.boot_id = "another";
  EXPECT_FALSE(has_living_member(proc_, state_));
}

TEST_F(Liveness, OverIsWhatNobodyCanComeBackTo) {
  EXPECT_FALSE(is_over(proc_, state_)) << "it runs";
  state_.restartable = true;
  EXPECT_FALSE(is_over(proc_, state_));
  state_.members.clear();
  EXPECT_TRUE(is_over(proc_, state_)) << "its bundle is gone: the container was removed";
  state_.bundle = "/";
  EXPECT_FALSE(is_over(proc_, state_)) << "the engine may start it again";
  state_.restartable = false;
  EXPECT_TRUE(is_over(proc_, state_));
}

// What can't be seen may be there: a collection must not take a stopped container's upper.
TEST(Over, ABundleThatCannotBeLookedAtIsKept) {
  sandbox::run(As::kPlain, [](const Place& place) {
    tree::make(place.path, {"closed/bundle/"});
    const sys::Proc proc = sys::Proc::open();
    SessionState state;
    state.restartable = true;
    state.bundle = place.path + "/closed/bundle";
    EXPECT_FALSE(is_over(proc, state));
    ASSERT_EQ(0, ::chmod((place.path + "/closed").c_str(), 0));
    EXPECT_FALSE(is_over(proc, state));
    ASSERT_EQ(0, ::chmod((place.path + "/closed").c_str(), 0700));
    ASSERT_EQ(0, ::rmdir(state.bundle.c_str()));
    EXPECT_TRUE(is_over(proc, state));
  });
}

}  // namespace
}  // namespace hookcore::session
