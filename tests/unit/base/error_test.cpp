#include "libhookcore/base/error.h"

#include <gtest/gtest.h>

#include <array>
#include <new>
#include <set>

namespace hookcore {
namespace {

constexpr std::array kAll{Code::kUsage,    Code::kState,       Code::kConfig,  Code::kAnnotation,
                          Code::kSettings, Code::kIgnoreFile,  Code::kSource,  Code::kLayout,
                          Code::kIds,      Code::kEnvironment, Code::kScratch, Code::kSession,
                          Code::kSystem};

TEST(Code, NamesAndHookExitCodesAreUnique) {
  std::set<std::string_view> names;
  std::set<int> exits;
  for (const Code code : kAll) {
    names.insert(code_name(code));
    exits.insert(hook_exit_code(code));
    EXPECT_GE(cli_exit_code(code), 2);
    EXPECT_LE(cli_exit_code(code), 4);
    EXPECT_GT(hook_exit_code(code), 0);
    EXPECT_LT(hook_exit_code(code), 126) << "the shell's and the engines' own";
  }
  EXPECT_EQ(kAll.size(), names.size());
  EXPECT_EQ(kAll.size(), exits.size());
}

TEST(Error, LineLeavesEmptyPartsOut) {
  EXPECT_EQ("source: what", Error(Code::kSource, "what").line());
  EXPECT_EQ("source: what; do", Error(Code::kSource, "what", "", "do").line());
  EXPECT_EQ("ignore-file: what; where:3; do",
            Error(Code::kIgnoreFile, "what", "where:3", "do").line());
}

TEST(Error, ACallThatIsMissingHasARemedy) {
  const std::string doctor = "`oci-cnb doctor` tells";
  EXPECT_NE(std::string::npos, SystemError("mount", "x", ENOSYS).line().find(doctor));
  EXPECT_EQ("do this", SystemError("mount", "x", ENOSYS, Code::kSystem, "do this").remedy());
  EXPECT_EQ("", SystemError("mount", "x", EPERM).remedy());
}

TEST(Error, OfWhateverEndsAProgram) {
  EXPECT_EQ("ids: what; where; do", as_error(Error(Code::kIds, "what", "where", "do")).line());
  EXPECT_EQ(SystemError("read", "x", EIO, Code::kScratch).line(),
            as_error(SystemError("read", "x", EIO, Code::kScratch)).line());
  EXPECT_EQ("system: out of memory", as_error(std::bad_alloc()).line());
  EXPECT_EQ("system: internal error: how; please report this line",
            as_error(std::runtime_error("how")).line());
}

TEST(Error, SystemErrorQuotesItsObject) {
  const SystemError error("openat2", "a\nb", ENOENT, Code::kLayout, "make it");
  EXPECT_EQ("layout: openat2: No such file or directory; \"a\\nb\"; make it", error.line());
  EXPECT_EQ(ENOENT, error.error_number());
}

TEST(Quote, KeepsWhatIsPlain) {
  EXPECT_EQ("\"\"", quote(""));
  EXPECT_EQ("\"a b\"", quote("a b"));
  EXPECT_EQ("\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80\"",
            quote("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"));
}

TEST(Quote, EscapesWhatSteersATerminalOrEndsTheQuotes) {
  EXPECT_EQ("\"\\n\\r\\t\\\"\\\\\"", quote("\n\r\t\"\\"));
  EXPECT_EQ("\"\\x1b[31m\\x7f\\x00\"", quote(std::string_view("\x1b[31m\x7f\0", 7)));
  EXPECT_EQ("\"\\xc2\\x9b\"", quote("\xC2\x9B")) << "CSI as a C1 control";
  EXPECT_EQ("\"\xC2\xA0\"", quote("\xC2\xA0")) << "the first that isn't one";
}

TEST(Quote, EscapesInvalidUtf8ByteByByte) {
  EXPECT_EQ("\"a\\xffb\"", quote("a\xff"
                                 "b"));
  EXPECT_EQ("\"\\xc0\\xaf\"", quote("\xC0\xAF")) << "overlong";
  EXPECT_EQ("\"\\xed\\xa0\\x80\"", quote("\xED\xA0\x80")) << "a surrogate";
  EXPECT_EQ("\"\\xe2\\x82\"", quote("\xE2\x82")) << "cut off";
  EXPECT_EQ("\"\\xf4\\x90\\x80\\x80\"", quote("\xF4\x90\x80\x80")) << "above U+10FFFF";
}

TEST(Quote, CutsLongOnes) {
  EXPECT_EQ("\"abc\"", quote("abc", 3));
  EXPECT_EQ("\"abc...\"", quote("abcd", 3));
  EXPECT_EQ("\"ab\\xc3...\"", quote("ab\xC3\xBC", 3)) << "never half a character as such";
  EXPECT_EQ(std::string::npos, quote(std::string(100000, '\n')).find('\n'));
  EXPECT_LE(quote(std::string(100000, '\n')).size(), 256 * 2 + 5U);
}

TEST(Nearest, FindsSlipsOfThePen) {
  const std::array<std::string_view, 3> words{"overlay", "readonly", "live"};
  EXPECT_EQ("overlay", nearest("overlya", words));
  EXPECT_EQ("live", nearest("liev", words));
  EXPECT_EQ("", nearest("completely-different", words));
  EXPECT_EQ("", nearest("xy", std::array<std::string_view, 0>{}));
}

TEST(EditDistance, CountsSteps) {
  EXPECT_EQ(0U, edit_distance("", ""));
  EXPECT_EQ(3U, edit_distance("", "abc"));
  EXPECT_EQ(3U, edit_distance("kitten", "sitting"));
  EXPECT_EQ(edit_distance("flaw", "lawn"), edit_distance("lawn", "flaw"));
  EXPECT_EQ(1U, edit_distance("lgo", "log")) << "two letters exchanged";
  EXPECT_EQ(2U, edit_distance("lgo", "gc"));
}

}  // namespace
}  // namespace hookcore
