#include "libhookcore/oci/edit.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/samples.h"

namespace hookcore::oci {
namespace {

using nlohmann::ordered_json;

const Hook kHook{"/opt/hook", {"hook", "a b"}, {"PATH=/bin"}, 10};

std::string edited(const std::string& text, void (*edit)(ConfigEditor&)) {
  ConfigEditor editor(text);
  edit(editor);
  return editor.text();
}

void edit_everything(ConfigEditor& editor) {
  editor.set_cwd("/workspace");
  editor.append_env("A=\"quoted\"");
  editor.append_env("B=2");
  editor.set_annotation("io.cnb.hooks.role", "build");
  editor.set_annotation("z.new", "\xc3\xa9");
  editor.append_hook(Stage::kCreateRuntime, kHook);
  editor.append_hook(Stage::kPoststop, kHook);
}

// The same change, made to a document that a general parser read.
ordered_json edit_document(ordered_json document) {
  ordered_json& process = document["process"];
  process["cwd"] = "/workspace";
  process["env"].push_back("A=\"quoted\"");
  process["env"].push_back("B=2");
  document["annotations"]["io.cnb.hooks.role"] = "build";
  document["annotations"]["z.new"] = "\xc3\xa9";
  const ordered_json hook = {
      {"path", "/opt/hook"}, {"args", {"hook", "a b"}}, {"env", {"PATH=/bin"}}, {"timeout", 10}};
  document["hooks"]["createRuntime"].push_back(hook);
  document["hooks"]["poststop"].push_back(hook);
  return document;
}

// True when `after` is `before` with pieces inserted or values replaced: here, all lines of a
// pretty document that no change is about.
std::string without(std::string text, std::initializer_list<std::string_view> pieces) {
  for (const std::string_view piece : pieces) {
    const size_t at = text.find(piece);
    EXPECT_NE(text.npos, at) << piece << " in " << text;
    if (at != text.npos) text.erase(at, piece.size());
  }
  return text;
}

TEST(Editor, WithoutChangesGivesTheInputBack) {
  for (const std::string& name : samples::names()) {
    const std::string text = samples::read(name);
    EXPECT_EQ(text, ConfigEditor(text).text()) << name;
  }
  const std::string odd =
      " {\n\n\"x\" : 1.50e+10 , \"y\":12345678901234567890123,\t\"\\u0061\":\"\\/\"}\r\n";
  EXPECT_EQ(odd, ConfigEditor(odd).text());
}

TEST(Editor, ChangesEverySampleAsADocumentModelWould) {
  for (const std::string& name : samples::names()) {
    SCOPED_TRACE(name);
    const std::string text = samples::read(name);
    const std::string after = edited(text, edit_everything);
    EXPECT_EQ(edit_document(ordered_json::parse(text)).dump(2), ordered_json::parse(after).dump(2));
    // Nothing outside the places of change: the parts around them are there byte for byte.
    const size_t linux_part = text.find("\"linux\"");
    ASSERT_NE(text.npos, linux_part);
    const size_t end = text.find("\"maskedPaths\"", linux_part);
    EXPECT_NE(after.npos, after.find(text.substr(linux_part, end - linux_part)));
  }
}

TEST(Editor, SplicesIntoCompactText) {
  const std::string text =
      R"({"a":1.50,"process":{"env":["X=1"],"cwd":"\/","big":9223372036854775807},"é":[ ]})";
  EXPECT_EQ(
      R"({"a":1.50,"process":{"env":["X=1","A=\"quoted\"","B=2"],"cwd":"/workspace",)"
      R"("big":9223372036854775807},"é":[ ],)"
      R"("annotations":{"io.cnb.hooks.role":"build","z.new":"é"},)"
      R"("hooks":{"createRuntime":[{"path":"/opt/hook","args":["hook","a b"],)"
      R"("env":["PATH=/bin"],"timeout":10}],)"
      R"("poststop":[{"path":"/opt/hook","args":["hook","a b"],"env":["PATH=/bin"],"timeout":10}]}})",
      edited(text, edit_everything));
}

TEST(Editor, KeepsTheLayoutOfPrettyText) {
  const std::string text =
      "{\n  \"process\": {\n    \"env\": [\n      \"X=1\"\n    ]\n  },\n"
      "  \"annotations\": {\n    \"k\": \"v\"\n  }\n}\n";
  const std::string after = edited(text, [](ConfigEditor& editor) {
    editor.set_cwd("/w");
    editor.append_env("A=1");
    editor.set_annotation("l", "w");
  });
  EXPECT_EQ(
      "{\n  \"process\": {\n    \"env\": [\n      \"X=1\",\n      \"A=1\"\n    ],\n"
      "    \"cwd\": \"/w\"\n  },\n"
      "  \"annotations\": {\n    \"k\": \"v\",\n    \"l\": \"w\"\n  }\n}\n",
      after);
  EXPECT_EQ(text,
            without(after, {",\n      \"A=1\"", ",\n    \"cwd\": \"/w\"", ",\n    \"l\": \"w\""}));
}

TEST(Editor, ReplacesNullAndFillsEmpty) {
  EXPECT_EQ(
      R"({"process":{"env":["A=1"],"cwd":"/w"},"annotations":{"k":"v"},"hooks":{"poststop":[{"path":"/h"}]}})",
      edited(R"({"process":{"env":null,"cwd":"/w"},"annotations":null,"hooks":{"poststop":null}})",
             [](ConfigEditor& editor) {
               editor.set_cwd("/w");
               editor.append_env("A=1");
               editor.set_annotation("k", "v");
               editor.append_hook(Stage::kPoststop, Hook{"/h", {}, {}, {}});
             }));
  EXPECT_EQ(R"({"process":{"env":["A=1" ],"cwd":"/w"}})",
            edited(R"({"process":{"env":[ ]}})", [](ConfigEditor& editor) {
              editor.set_cwd("/w");
              editor.append_env("A=1");
            }));
}

TEST(Editor, FindsKeysThatAreEscaped) {
  EXPECT_EQ(R"({"pro\u0063ess":{"\u0063wd":"/w"},"annotations":{"\u006b":"new"}})",
            edited(R"({"pro\u0063ess":{"\u0063wd":"/"},"annotations":{"\u006b":"old"}})",
                   [](ConfigEditor& editor) {
                     editor.set_cwd("/w");
                     editor.set_annotation("k", "new");
                   }));
}

TEST(Editor, WhatIsAsWantedStaysAsWritten) {
  const std::string text = R"({"process":{"cwd":"\/w"},"annotations":{"k":"\u0076"}})";
  EXPECT_EQ(text, edited(text, [](ConfigEditor& editor) {
              editor.set_cwd("/w");
              editor.set_annotation("k", "v");
            }));
}

TEST(Editor, NeedsAProcess) {
  for (const char* text : {"{}", R"({"process":null})"}) {
    expect_error(
        Code::kConfig,
        "config: there is no process in it, so no cwd and no environment; config.json; add "
        "a \"process\" to the document",
        [&] { edited(text, [](ConfigEditor& editor) { editor.set_cwd("/w"); }); });
  }
}

}  // namespace
}  // namespace hookcore::oci
