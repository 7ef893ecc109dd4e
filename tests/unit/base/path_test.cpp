#include "libhookcore/base/path.h"

#include <gtest/gtest.h>

#include "libhookcore/base/utf8.h"

namespace hookcore {
namespace {

TEST(NormalisePath, IsTextOnly) {
  EXPECT_EQ("/", normalise_path(""));
  EXPECT_EQ("/", normalise_path("///"));
  EXPECT_EQ("/a/b", normalise_path("a//./b/"));
  EXPECT_EQ("/b", normalise_path("/a/../b"));
  EXPECT_EQ("/", normalise_path("/../../.."));
  EXPECT_EQ("/...", normalise_path("/..."));
  EXPECT_EQ("/a\n", normalise_path("/a\n"));
}

TEST(ParentPath, IsWhatStandsBeforeTheLastSlash) {
  EXPECT_EQ("/a/b", parent_path("/a/b/c"));
  EXPECT_EQ("a", parent_path("a/b"));
  EXPECT_EQ("/", parent_path("/a"));
  EXPECT_EQ("/", parent_path("/"));
  EXPECT_EQ("", parent_path("a"));
  EXPECT_EQ("", parent_path(""));
}

TEST(BaseName, IsWhatStandsBehindTheLastSlash) {
  EXPECT_EQ("c", base_name("/a/b/c"));
  EXPECT_EQ("a", base_name("/a"));
  EXPECT_EQ("a\n", base_name("a\n"));
  EXPECT_EQ("", base_name("/"));
  EXPECT_EQ("", base_name(""));
}

TEST(JoinPath, PutsOneSlashBetween) {
  EXPECT_EQ("a/b", join_path("a", "b"));
  EXPECT_EQ("/a/b", join_path("/a", "b"));
  EXPECT_EQ("/b", join_path("/", "b"));
  EXPECT_EQ("b", join_path("", "b"));
  for (const char* path : {"/a/b/c", "a/b", "/a", "a"}) {
    EXPECT_EQ(path, join_path(parent_path(path), base_name(path)));
  }
}

TEST(HasParentComponent, LooksAtWholeComponents) {
  EXPECT_TRUE(has_parent_component(".."));
  EXPECT_TRUE(has_parent_component("a/../b"));
  EXPECT_TRUE(has_parent_component("a/.."));
  EXPECT_FALSE(has_parent_component("a/..b/c.."));
  EXPECT_FALSE(has_parent_component(""));
}

TEST(IsWithin, TakesNoPrefixForAParent) {
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/", "/a"));
}

TEST(HasControlBytes, KnowsDelAndLeavesUtf8) {
  EXPECT_TRUE(has_control_bytes("a\nb"));
  EXPECT_TRUE(has_control_bytes("a\x7f"));
  EXPECT_FALSE(has_control_bytes("\xC3\xBC"));
  EXPECT_FALSE(has_control_bytes(""));
}

TEST(Utf8Length, FollowsRfc3629) {
  EXPECT_EQ(1U, utf8_length("a"));
  EXPECT_EQ(2U, utf8_length("\xC3\xBC"));
  EXPECT_EQ(3U, utf8_length("\xE2\x82\xAC"
                            "x"));
  EXPECT_EQ(4U, utf8_length("\xF0\x9F\x98\x80"));
  EXPECT_EQ(0U, utf8_length("\x80"));
  EXPECT_EQ(0U, utf8_length("\xC1\x80"));
  EXPECT_EQ(0U, utf8_length("\xE0\x80\x80"));
  EXPECT_EQ(0U, utf8_length("\xF0\x80\x80\x80"));
  EXPECT_EQ(0U, utf8_length("\xF5\x80\x80\x80"));
}

}  // namespace
}  // namespace hookcore
