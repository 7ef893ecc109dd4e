#include "libhookcore/base/toml.h"

#include <gtest/gtest.h>

namespace hookcore {
namespace {

/// "LINE: what", or "" for TOML.
std::string refusal(std::string_view text) {
  try {
    parse_toml(text);
    return {};
  } catch (const TomlError& error) {
    return std::to_string(error.line) + ": " + error.what;
  }
}

TEST(ParseToml, ReadsTextBeyondAsciiWhereItMayStand) {
  EXPECT_EQ("", refusal("\xEF\xBB\xBF# é\na = \"é\" # \" é\nb = 'é' # ' é\n\"é\" = 1\n'ö' = 2\n"));
  EXPECT_EQ("", refusal("a = \"\\\" é\"\nb = '\\' # é\n"));
  EXPECT_EQ("", refusal("a = \"\"\"é\n\\\" é \"é\" é\"\"\"\"\" # é\nb = '''é\n' '' é'''\n"));
  EXPECT_EQ("é", *parse_toml("a = \"\"\"é\"\"\"")["a"].value<std::string>());
  EXPECT_EQ("say \"yes\"", *parse_toml("a = \"\"\"say \"yes\"\"\"\"")["a"].value<std::string>());
}

TEST(ParseToml, RefusesItElsewhere) {
  const std::string what = ": a character beyond ASCII outside of quotes";
  EXPECT_EQ("1" + what, refusal("é = 1"));
  EXPECT_EQ("2: Error while parsing value: could not determine value type",
            refusal("a = 1\nb = é\n"));
  EXPECT_EQ("1" + what, refusal("a = \"\"\"x\"\"\"\" é"));
  EXPECT_EQ("3" + what, refusal("[t]\na = 'x'\n\xC6\x96\x10"));
  EXPECT_EQ("1: Encountered invalid utf-8 sequence", refusal("\xFF"));
}

// Where toml++ looks for blanks: a sanitizer told of each.
TEST(ParseToml, TakesNoSuchCharacterForABlank) {
  EXPECT_EQ("x é", *parse_toml("a = \"\"\"x \\\n  é\"\"\"")["a"].value<std::string>());
  EXPECT_NE("", refusal("a = 1é"));
  EXPECT_NE("", refusal("a =0[\"[\xCF\xACio"));
  EXPECT_NE("", refusal("a = \"\"\"x \\é\"\"\""));
}

TEST(ParseToml, TellsTheFirstError) {
  EXPECT_EQ("1", refusal("a = = 1\né").substr(0, 1));
  EXPECT_EQ("1", refusal("a = \"x\nb = \"é\"\n").substr(0, 1));
  for (const char* text : {"[[[[", "[[[", "\"", "'''", "\"\"\"\\", "a = \"\"\"", "a"}) {
    EXPECT_NE("", refusal(text)) << text;
  }
}

}  // namespace
}  // namespace hookcore
