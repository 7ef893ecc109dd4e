#include "libhookcore/session/listing.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::session {
namespace {

using sandbox::As;
using sandbox::Place;

SessionState state_of(const sys::Proc& proc, std::vector<Member> members) {
  SessionState state;
  state.container = "c";
  state.bundle = "/nowhere/at/all";
  state.boot_id = proc.boot_id();
  state.scratch = "disk";
  state.members = std::move(members);
  return state;
}

Member ourselves(const sys::Proc& proc, bool mounted) {
  return {::getpid(), proc.start_time(::getpid()).value_or(0), mounted};
}

class ListingTest : public testing::TestWithParam<As> {};

TEST_P(ListingTest, SaysWhatIsThere) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Store store = Store::open(place.path + "/store");
    EXPECT_TRUE(list_sessions(store, proc).empty());
    store.acquire("b-over").write_state(state_of(proc, {}));
    Session running = store.acquire("a-running");
    running.write_state(state_of(proc, {ourselves(proc, true)}));
    tree::write(place.path + "/store/sessions/a-running/big", std::string(100000, 'x'));
    store.acquire("c-preparing").write_state(state_of(proc, {ourselves(proc, false)}));
    store.acquire("d-unreadable");

    const auto listed = list_sessions(store, proc);
    ASSERT_EQ(4U, listed.size());
    EXPECT_EQ("a-running", listed[0].name) << "its lock is held: looking needs none";
    EXPECT_EQ(Condition::kRunning, listed[0].condition);
    EXPECT_EQ("c", listed[0].container);
    EXPECT_EQ("disk", listed[0].scratch);
    EXPECT_GE(listed[0].bytes, 100000U);
    EXPECT_TRUE(listed[0].all_counted);
    EXPECT_EQ(Condition::kOver, listed[1].condition);
    EXPECT_EQ(Condition::kPreparing, listed[2].condition);
    EXPECT_EQ("", listed[3].container);
  });
}

// A container that joins is prepared while others run, in whatever order the members stand.
TEST_P(ListingTest, ASessionRunsWhileOneOfItsContainersDoes) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Store store = Store::open(place.path + "/store");
    const Member running = ourselves(proc, true);
    const Member joining = ourselves(proc, false);
    const Member dead{0x7FFFFFF0, 1, true};
    store.acquire("a").write_state(state_of(proc, {joining, running}));
    store.acquire("b").write_state(state_of(proc, {running, joining}));
    store.acquire("c").write_state(state_of(proc, {dead, joining}));

    const auto listed = list_sessions(store, proc);
    ASSERT_EQ(3U, listed.size());
    EXPECT_EQ(Condition::kRunning, listed[0].condition);
    EXPECT_EQ(Condition::kRunning, listed[1].condition);
    EXPECT_EQ(Condition::kPreparing, listed[2].condition) << "the one that ran has ended";
    EXPECT_EQ(2U, listed[0].members.size());
    EXPECT_EQ(1U, listed[2].members.size());
  });
}

INSTANTIATE_TEST_SUITE_P(As, ListingTest, testing::Values(As::kRoot, As::kUser), sandbox::name_of);

}  // namespace
}  // namespace hookcore::session
