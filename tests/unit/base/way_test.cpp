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
    if (policy.forbids(way).empty()) letters += name(way)[0];
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

TEST(WayPolicy, NamesTheKeyThatForbids) {
  WayPolicy policy;
  EXPECT_EQ("copy = \"reflink\" allows none", policy.forbids(Way::kCopy));
  policy.copy = CopyRule::kNever;
  EXPECT_EQ("copy = \"never\" is configured", policy.forbids(Way::kReflink));
  policy.only = Way::kFuse;
  EXPECT_EQ("way = \"fuse\" is configured", policy.forbids(Way::kOverlay));
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

TEST(Way, RefusalsAreOneLine) {
  EXPECT_EQ("", describe({}));
  EXPECT_EQ("overlay: no, fuse: no /dev/fuse",
            describe({{Way::kOverlay, "no"}, {Way::kFuse, "no /dev/fuse"}}));
}

}  // namespace
}  // namespace hookcore
