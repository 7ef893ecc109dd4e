#include "libhookcore/base/way.h"

#include <gtest/gtest.h>

namespace hookcore {
namespace {

TEST(Way, IsReadAsItIsCalled) {
  for (const Way way : kWays) EXPECT_EQ(way, parse_way(name(way)));
  for (const char* text : {"", "auto", "Overlay", "copy "}) EXPECT_FALSE(parse_way(text)) << text;
}

// Which of the four are tried, as a string of their first letters.
std::string tried(const WayPolicy& policy) {
  std::string letters;
  for (const Way way : kWays) {
    if (!policy.obstacle(way)) letters += name(way)[0];
  }
  return letters;
}

TEST(WayPolicy, AllowsCopiesAsConfigured) {
  WayPolicy policy;
  EXPECT_EQ("ofr", tried(policy));
  policy.copy = CopyRule::kAlways;
  EXPECT_EQ("ofrc", tried(policy));
  policy.copy = CopyRule::kNever;
  EXPECT_EQ("of", tried(policy));
}

// The reason and the remedy.
std::string obstacle(const WayPolicy& policy, Way way) {
  const auto refusal = policy.obstacle(way);
  return refusal ? refusal->reason + "; " + refusal->remedy : "";
}

TEST(WayPolicy, NamesTheKeyThatForbids) {
  WayPolicy policy;
  EXPECT_EQ("copy = \"reflink\" allows none; set copy = \"always\" in config.toml",
            obstacle(policy, Way::kCopy));
  policy.copy = CopyRule::kNever;
  EXPECT_EQ("copy = \"never\" is configured; set copy = \"reflink\" in config.toml",
            obstacle(policy, Way::kReflink));
  policy.only = Way::kFuse;
  EXPECT_EQ("way = \"fuse\" is configured; set way = \"auto\" in config.toml",
            obstacle(policy, Way::kOverlay));
}

// Who asks for one way by name has said that copies may be made.
TEST(WayPolicy, TheOnlyWayIsAllowed) {
  WayPolicy policy;
  for (const Way way : kWays) {
    policy.only = way;
    policy.copy = CopyRule::kNever;
    EXPECT_EQ(std::string(1, name(way)[0]), tried(policy));
  }
}

TEST(Way, TheFirstThatServesIsTaken) {
  std::vector<WayRefusal> refusals;
  std::string tried;
  const auto obstacle = [](Way way) {
    return way == Way::kOverlay ? std::optional(WayRefusal{way, "forbidden"}) : std::nullopt;
  };
  const auto take = [&](Way way) {
    tried += name(way)[0];
    if (way == Way::kFuse) throw WayRefused("no", "buy one");
  };
  EXPECT_EQ(Way::kReflink, take_first(obstacle, take, refusals));
  EXPECT_EQ("fr", tried);
  EXPECT_EQ("overlay: forbidden, fuse: no", describe(refusals));
  EXPECT_EQ("buy one", refusals.back().remedy);
}

TEST(Way, NoneMayServe) {
  std::vector<WayRefusal> refusals;
  const auto take = [](Way) { throw WayRefused("no"); };
  EXPECT_EQ(std::nullopt, take_first([](Way) { return std::nullopt; }, take, refusals));
  EXPECT_EQ(std::size(kWays), refusals.size());
}

// What keeps a container from any workspace isn't a matter of the way.
TEST(Way, OtherFailuresEndTheSearch) {
  std::vector<WayRefusal> refusals;
  const auto take = [](Way) { throw Error(Code::kScratch, "full"); };
  EXPECT_THROW(take_first([](Way) { return std::nullopt; }, take, refusals), Error);
}

TEST(Way, RefusalsAreOneLine) {
  EXPECT_EQ("", describe({}));
  EXPECT_EQ("overlay: no, fuse: no /dev/fuse",
            describe({{Way::kOverlay, "no"}, {Way::kFuse, "no /dev/fuse"}}));
}

TEST(Way, RemediesStandOnce) {
  EXPECT_EQ("", join_remedies({}));
  EXPECT_EQ("", join_remedies({{Way::kOverlay, "no"}}));
  const WayPolicy policy;
  EXPECT_EQ("move it; or set copy = \"always\" in config.toml",
            join_remedies({{Way::kOverlay, "no", "move it"},
                           {Way::kFuse, "no"},
                           {Way::kReflink, "no", "move it"},
                           *policy.obstacle(Way::kCopy)}));
}

}  // namespace
}  // namespace hookcore
