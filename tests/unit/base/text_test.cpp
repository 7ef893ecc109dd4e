#include "libhookcore/base/text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hookcore {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) lines.emplace_back(take_line(text));
  return lines;
}

TEST(TakeLine, EndsWithTheText) {
  EXPECT_EQ((std::vector<std::string>{"a", "", "b"}), lines_of("a\n\nb\n"));
  EXPECT_EQ((std::vector<std::string>{"a", "b"}), lines_of("a\nb")) << "the last needs no newline";
  EXPECT_EQ((std::vector<std::string>{""}), lines_of("\n"));
  EXPECT_TRUE(lines_of("").empty());
}

TEST(TakePart, LeavesWhatIsBehindTheSeparator) {
  std::string_view text = "name::7";
  EXPECT_EQ("name", take_part(text, ':'));
  EXPECT_EQ(":7", text);
  EXPECT_EQ("", take_part(text, ':'));
  EXPECT_EQ("7", take_part(text, ':'));
  EXPECT_EQ("", take_part(text, ':')) << "and nothing where there is nothing";
}

TEST(TakeLastLine, CutsFromTheEnd) {
  for (std::string_view text : {"a\n\nb\n", "a\n\nb"}) {
    EXPECT_EQ("b", take_last_line(text));
    EXPECT_EQ("", take_last_line(text));
    EXPECT_EQ("a", take_last_line(text));
    EXPECT_EQ("", text);
    EXPECT_EQ("", take_last_line(text)) << "and nothing where there is nothing";
  }
}

TEST(ParseNumber, IsAllOfTheText) {
  EXPECT_EQ(17U, parse_number<uint32_t>("17"));
  EXPECT_EQ(-17, parse_number<int64_t>("-17"));
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "0x1", "1a", "4294967296"}) {
    EXPECT_EQ(std::nullopt, parse_number<uint32_t>(text)) << text;
  }
}

}  // namespace
}  // namespace hookcore
