#include "libhookcore/report/advice.h"

#include <gtest/gtest.h>

#include "libhookcore/base/error.h"

namespace hookcore::report {
namespace {

TEST(Advice, ReadsASection) {
  const auto sections = parse_errors_page(
      "# Errors\n\nText, 5: more.\n| a | b |\n\n## ids\n\n28, 4: the process `x` could\nnot "
      "write.\n\n| message | cause | remedy |\n|---|---|---|\n| `could not` | neither `uid`, "
      "nor | see [that](a.md), or [this](b.md#c) |\n");
  ASSERT_EQ(1U, sections.size());
  EXPECT_EQ("ids", sections[0].code);
  EXPECT_EQ((std::vector<std::string>{"28", "4"}), sections[0].numbers);
  EXPECT_EQ("the process x could not write.", sections[0].about);
  ASSERT_EQ(1U, sections[0].rows.size());
  EXPECT_EQ("could not", sections[0].rows[0].message);
  EXPECT_EQ("neither uid, nor", sections[0].rows[0].cause);
  EXPECT_EQ("see that, or this", sections[0].rows[0].remedy);
}

TEST(Advice, IsThatOfTheMessageOrAllThereIs) {
  const CodeAdvice section{
      "ids", {"28"}, "", {{"could not", "a", "b"}, {"isn't mapped", "c", "d"}}};
  ASSERT_EQ(1U, advice_for(section, "error ids: uid 3 isn't mapped there").size());
  EXPECT_EQ("c", advice_for(section, "error ids: uid 3 isn't mapped there")[0].cause);
  EXPECT_EQ(2U, advice_for(section, "error ids: something new").size());
}

TEST(Advice, ThePageHasEveryCodeWithItsNumbers) {
  const auto sections = parse_errors_page(errors_page());
  ASSERT_EQ(static_cast<size_t>(Code::kSystem) + 1, sections.size());
  for (size_t i = 0; i < sections.size(); ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_EQ(code_name(code), sections[i].code);
    EXPECT_FALSE(sections[i].about.empty());
    ASSERT_FALSE(sections[i].numbers.empty()) << sections[i].code;
    EXPECT_EQ(std::to_string(hook_exit_code(code)), sections[i].numbers.front());
    EXPECT_EQ(std::to_string(cli_exit_code(code)), sections[i].numbers.back());
    for (const Advice& row : sections[i].rows) {
      EXPECT_FALSE(row.message.empty() || row.cause.empty() || row.remedy.empty()) << row.message;
    }
  }
}

TEST(Advice, ABrokenPageIsNoTrouble) {
  EXPECT_TRUE(parse_errors_page("").empty());
  for (const char* page :
       {"## ", "## a\n| `", "## a\n| `|", "## a\n| ` |", "## a\n[x](", "## a\n`x"}) {
    EXPECT_EQ(1U, parse_errors_page(page).size()) << page;
  }
}

}  // namespace
}  // namespace hookcore::report
