#include "libhookcore/session/state.h"

#include <gtest/gtest.h>

namespace hookcore::session {
namespace {

SessionState example() {
  SessionState state;
  state.container = "0123abc";
  state.bundle = "/var/lib/containers/\n\"bundle\"";
  state.restartable = true;
  state.boot_id = "6f1c-boot";
  state.source_device = 0xFFFFFFFFFFFFFFFFU;
  state.source_inode = 1;
  state.scratch = "tmpfs";
  state.origin = {"/src/\xff",
                  -1,
                  999999999,
                  "my.rules",
                  ".dockerignore",
                  true,
                  {1000, 0},
                  {7, 8},
                  {{0, 1, 1000}, {1000, 0, 1}},
                  {{0, 4000000000, 65536}}};
  state.members = {{4711, 0xFFFFFFFFFFFFFFFEU, true}, {1, 2, false}};
  return state;
}

TEST(State, ComesBackAsItWasWritten) {
  const SessionState state = example();
  const auto again = parse_session_state(format_state(state));
  ASSERT_TRUE(again);
  EXPECT_EQ(state.container, again->container);
  EXPECT_EQ(state.bundle, again->bundle);
  EXPECT_EQ(state.restartable, again->restartable);
  EXPECT_EQ(state.boot_id, again->boot_id);
  EXPECT_EQ(state.source_device, again->source_device);
  EXPECT_EQ(state.source_inode, again->source_inode);
  EXPECT_EQ(state.scratch, again->scratch);
  EXPECT_EQ(state.origin, again->origin);
  EXPECT_EQ(state.members, again->members);
  EXPECT_EQ(Way::kOverlay, again->way);
}

TEST(State, TellsTheWayAndWhy) {
  SessionState state = example();
  state.way = Way::kReflink;
  state.way_reason = "overlay: refused";
  const auto again = parse_session_state(format_state(state));
  ASSERT_TRUE(again);
  EXPECT_EQ(Way::kReflink, again->way);
  EXPECT_EQ("overlay: refused", again->way_reason);
}

TEST(State, OfAWayThatIsNotKnownIsNone) {
  SessionState state = example();
  state.way = Way::kFuse;
  std::string text = format_state(state);
  text.replace(text.find("fuse"), 4, "wave");
  EXPECT_FALSE(parse_session_state(text));
}

TEST(State, OfASharedSessionComesBackToo) {
  SessionState state = example();
  state.kind = Kind::kPod;
  state.mount_source = "cnb-0123";
  state.pod_bundle = "/run/pod";
  state.members[0].container = "abc";
  state.members[0].pid_namespace = 4026531836;
  const auto again = parse_session_state(format_state(state));
  ASSERT_TRUE(again);
  EXPECT_EQ(state.kind, again->kind);
  EXPECT_EQ(state.mount_source, again->mount_source);
  EXPECT_EQ(state.pod_bundle, again->pod_bundle);
  EXPECT_EQ(state.members, again->members);
}

TEST(State, OfVersionOneIsRead) {
  const auto state = parse_session_state(
      R"({"version":1,"container":"c","bundle":"/b","restartable":true,"boot":"x",)"
      R"("source":{"device":1,"inode":2},"scratch":"disk",)"
      R"("members":[{"pid":3,"start":4,"mounted":true}]})");
  ASSERT_TRUE(state);
  EXPECT_EQ(Kind::kContainer, state->kind);
  EXPECT_EQ(2U, state->source_inode);
  EXPECT_EQ((std::vector<Member>{{3, 4, true}}), state->members);
}

TEST(State, ABundleThatIsNotUtf8IsWrittenAllTheSame) {
  SessionState state = example();
  state.bundle = "/bundle/\xff\xc3";
  const auto again = parse_session_state(format_state(state));
  ASSERT_TRUE(again);
  EXPECT_EQ("/bundle/\xEF\xBF\xBD\xEF\xBF\xBD", again->bundle);
}

TEST(State, KeepsEveryByteOfAName) {
  SessionState state = example();
  for (int byte = 0; byte < 0x80; ++byte) state.bundle += static_cast<char>(byte);
  state.bundle += "\n}\n\u00e9\U0001F600";
  const auto again = parse_session_state(format_state(state));
  ASSERT_TRUE(again);
  EXPECT_EQ(state.bundle, again->bundle);
}

TEST(State, EveryTruncationIsNoState) {
  const std::string text = format_state(example());
  const size_t end = text.find_last_not_of("\n ");
  for (size_t length = 0; length <= end; ++length) {
    EXPECT_FALSE(parse_session_state(text.substr(0, length))) << length;
  }
  EXPECT_TRUE(parse_session_state(text));
}

// A hook that is killed while it adds a state has added none.
TEST(State, TheLastWholeOneHolds) {
  SessionState second = example();
  second.members = {{4711, 5, true}};
  second.container = "second";
  const std::string first = format_state(example());
  const std::string added = format_state(second);
  for (size_t length = 0; length < added.size(); ++length) {
    const auto state = parse_session_state(first + added.substr(0, length));
    ASSERT_TRUE(state) << length;
    EXPECT_EQ(example().members, state->members) << length;
  }
  for (const std::string& before : {first, first + first}) {
    const auto state = parse_session_state(before + added);
    ASSERT_TRUE(state);
    EXPECT_EQ("second", state->container);
  }
  EXPECT_FALSE(parse_session_state("\n}\n"));
  EXPECT_FALSE(parse_session_state(first + "{\n}\n"));
}

TEST(State, WhatIsNotOursIsNoState) {
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string text = format_state(example());
    const size_t at = text.find(from);
    EXPECT_NE(std::string::npos, at) << from;
    return text.replace(at, from.size(), to);
  };
  EXPECT_FALSE(parse_session_state(""));
  EXPECT_FALSE(parse_session_state("[]"));
  EXPECT_FALSE(parse_session_state("{}"));
  EXPECT_FALSE(parse_session_state(std::string(100000, '[')));
  EXPECT_FALSE(parse_session_state(changed("\"version\": 2", "\"version\": 3")));
  EXPECT_FALSE(parse_session_state(changed("\"restartable\": true", "\"restartable\": \"yes\"")));
  EXPECT_FALSE(parse_session_state(changed("\"members\": [", "\"members\": [7,")));
  EXPECT_FALSE(parse_session_state(changed("\"pid\": ", "\"pid\": 1e20, \"was\": ")));
  EXPECT_FALSE(parse_session_state(changed("\"boot\"", "\"boots\"")));
}

}  // namespace
}  // namespace hookcore::session
