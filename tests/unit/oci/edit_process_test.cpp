#include <gtest/gtest.h>

#include "libhookcore/oci/edit.h"
#include "tests/unit/support/expect_error.h"

namespace hookcore::oci {
namespace {

bool is_x(std::string_view entry) { return entry.starts_with("X"); }

std::string without_x(const std::string& env, const std::vector<std::string>& added = {}) {
  ConfigEditor editor("{\"process\": {\"env\": " + env + "}}");
  editor.remove_env(is_x);
  for (const std::string& entry : added) editor.append_env(entry);
  const std::string text = editor.text();
  const size_t begin = text.find(": ", 12) + 2;
  return text.substr(begin, text.size() - begin - 2);
}

TEST(RemoveEnv, TakesAnEntryAndOneComma) {
  EXPECT_EQ(R"(["a"])", without_x(R"(["X=1", "a"])"));
  EXPECT_EQ(R"(["a"])", without_x(R"(["a", "X=1"])"));
  EXPECT_EQ(R"(["a", "b"])", without_x(R"(["a", "X=1", "b"])"));
  EXPECT_EQ(R"([ "a","b"  ])", without_x(R"([ "X=1" , "X=2","a" , "X=3","b" ,"X=4"  ])"));
  EXPECT_EQ("[\n  \"a\",\n  \"b\"\n]",
            without_x("[\n  \"X=1\",\n  \"a\",\n  \"X=2\",\n  \"b\"\n]"));
  EXPECT_EQ("[]", without_x(R"([ "X=1" ])"));
  EXPECT_EQ("[]", without_x("[]"));
  EXPECT_EQ("null", without_x("null"));
}

TEST(RemoveEnv, GoesTogetherWithAdding) {
  EXPECT_EQ(R"(["a","b"])", without_x(R"(["X=1","a"])", {"b"}));
  EXPECT_EQ(R"(["a","b"])", without_x(R"(["a","X=1"])", {"b"}));
  EXPECT_EQ(R"(["b","c"])", without_x(R"(["X=1"])", {"b", "c"}));
  EXPECT_EQ("[\n\"a\",\n\"b\"\n]", without_x("[\n\"a\",\n\"X=1\"\n]", {"b"}));
}

TEST(ProcessDocument, IsEditedInPlace) {
  ConfigEditor editor(R"({"x":1,"env":["X=1","A=b"],"cwd":"/","args":["sh"]})", "p.json",
                      Document::kProcess);
  EXPECT_EQ("/", editor.view().cwd);
  EXPECT_EQ((std::vector<std::string>{"X=1", "A=b"}), editor.view().env);
  editor.set_cwd("/w");
  editor.remove_env(is_x);
  editor.append_env("C=d");
  EXPECT_EQ(R"({"x":1,"env":["A=b","C=d"],"cwd":"/w","args":["sh"]})", editor.text());
}

TEST(ProcessDocument, GetsWhatItLacks) {
  ConfigEditor editor("{}", "p.json", Document::kProcess);
  EXPECT_EQ("{}", editor.text());
  editor.set_cwd("/w");
  editor.append_env("C=d");
  EXPECT_EQ(R"({"cwd":"/w","env":["C=d"]})", editor.text());
}

TEST(ProcessDocument, IsRefusedWhenItIsNone) {
  expect_error(Code::kConfig, "config: the document isn't a JSON object; p.json:1:1",
               [] { ConfigEditor("[]", "p.json", Document::kProcess); });
  EXPECT_THROW(ConfigEditor(R"({"cwd":1})", "p.json", Document::kProcess), Error);
  EXPECT_THROW(ConfigEditor(R"({"cwd":"/"} x)", "p.json", Document::kProcess), Error);
}

}  // namespace
}  // namespace hookcore::oci
