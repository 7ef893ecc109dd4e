#include "libhookcore/oci/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/samples.h"

namespace hookcore::oci {
namespace {

bool accepts(std::string_view text) {
  try {
    JsonReader reader(text, Code::kConfig, "t");
    reader.skip();
    reader.finish();
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::string read_string(std::string_view text) {
  JsonReader reader(text, Code::kConfig, "t");
  return reader.string("s");
}

void refuse(std::string_view text, const std::string& line) {
  expect_error(Code::kConfig, line, [&] {
    JsonReader reader(text, Code::kConfig, "t");
    reader.skip();
    reader.finish();
  });
}

TEST(JsonReader, AgreesWithNlohmannOnSmallTexts) {
  const std::vector<std::string> texts = {"0",
                                          "-0",
                                          "-",
                                          "01",
                                          "1.",
                                          "1.5e",
                                          "1.5e+",
                                          "1.5E-3",
                                          ".5",
                                          "+1",
                                          "1e5",
                                          "--1",
                                          "0x1",
                                          "true",
                                          "tru",
                                          "truex",
                                          "false",
                                          "null",
                                          "nul",
                                          "True",
                                          "NaN",
                                          "Infinity",
                                          "",
                                          " ",
                                          "\t\n\r 1 ",
                                          "\v1",
                                          "\"\"",
                                          "\"a",
                                          "\"\\u00e9\"",
                                          "\"\\u00E\"",
                                          "\"\\ud83d\\ude00\"",
                                          "\"\\ud83d\"",
                                          "\"\\ude00\"",
                                          "\"\\ud83d\\u0041\"",
                                          "\"\\ud83dx\"",
                                          "\"\\x\"",
                                          "\"\\/\"",
                                          "\"\\",
                                          "\"\t\"",
                                          "\"\x7f\"",
                                          "\"\xc3\xa9\"",
                                          "\"\xc3\"",
                                          "\"\xc0\x80\"",
                                          "\"\xed\xa0\x80\"",
                                          "\"\xf0\x9f\x98\x80\"",
                                          "\"\xf5\x80\x80\x80\"",
                                          "\"\xe0\x80\x80\"",
                                          "\"\xff\"",
                                          "[]",
                                          "[",
                                          "]",
                                          "[1,]",
                                          "[,1]",
                                          "[1 2]",
                                          "[1,2]",
                                          "[[[]]]",
                                          "{}",
                                          "{",
                                          "}",
                                          "{\"a\"}",
                                          "{\"a\":}",
                                          "{\"a\":1,}",
                                          "{\"a\":1 \"b\":2}",
                                          "{a:1}",
                                          "{\"a\":1,\"b\":[{}]}",
                                          "{1:2}",
                                          "[1}",
                                          "{\"a\":1]",
                                          "1 2",
                                          "// x\n1",
                                          "[1]]",
                                          "\"a\" \"b\"",
                                          "'a'",
                                          std::string("\"a\0b\"", 5)};
  for (const std::string& text : texts) {
    EXPECT_EQ(nlohmann::json::accept(text), accepts(text)) << text;
  }
}

// Every sample, damaged in one place, a few thousand times: the same verdict as nlohmann's.
TEST(JsonReader, AgreesWithNlohmannOnDamagedDocuments) {
  std::mt19937 random(1);
  const std::string alphabet = "{}[]\",:\\u0d8e-+.tfn \n\x01\x80\xc3\xff";
  int refused = 0;
  for (const std::string& name : samples::names()) {
    const std::string original = samples::read(name);
    ASSERT_TRUE(accepts(original)) << name;
    for (int round = 0; round < 200; ++round) {
      std::string text = original;
      const size_t at = random() % text.size();
      const char byte = alphabet[random() % alphabet.size()];
      switch (random() % 4) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.erase(at, 1 + random() % 3);
          break;
        case 2:
          text.insert(at, 1, byte);
          break;
        default:
          text.resize(at);
      }
      const bool expected = nlohmann::json::accept(text);
      ASSERT_EQ(expected, accepts(text)) << name << ", round " << round << ", offset " << at;
      if (!expected) ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(JsonReader, DecodesStrings) {
  EXPECT_EQ("a/b\"\\\b\f\n\r\t", read_string(R"("a\/b\"\\\b\f\n\r\t")"));
  EXPECT_EQ("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", read_string(R"("\u00e9\u20AC\ud83d\ude00")"));
  EXPECT_EQ("<&>", read_string(R"("\u003c\u0026\u003e")"));
}

TEST(JsonReader, RefusesAZeroByteInWhatItReads) {
  expect_error(Code::kConfig, "config: s has a zero byte in it; t:1:1",
               [] { read_string(R"("/etc\u0000/x")"); });
}

TEST(JsonReader, SaysWhereAndWhat) {
  refuse("", "config: the document is empty; t:1:1");
  refuse("{\n  \"a\": [1,\n  2", "config: the document ends too early; t:3:4");
  refuse("{\"a\": \"b", "config: the document ends inside a string; t:1:7");
  refuse("[1;2]", "config: not JSON: \";\" where \",\" or \"]\" should stand; t:1:3");
  refuse("{\"a\" 1}", "config: not JSON: \"1\" where \":\" should stand; t:1:6");
  refuse("[1] x", "config: not JSON: \"x\" after the end of the document; t:1:5");
  refuse("[\"\xff\"]", "config: not JSON: a string isn't valid UTF-8; t:1:3");
  refuse("[treu]", "config: not JSON: \"treu\" where true should stand; t:1:2");
}

// nlohmann takes a zero byte for the end of the text: what follows would be hidden from us.
TEST(JsonReader, RefusesAZeroByteAfterTheDocument) {
  refuse(std::string_view("{}\0", 3),
         "config: not JSON: \"\\x00\" after the end of the document; t:1:3");
}

TEST(JsonReader, RefusesDepth) {
  const std::string deep(128, '[');
  EXPECT_TRUE(accepts(deep + std::string(128, ']')));
  refuse("[" + deep, "config: nested more than 128 levels deep; t:1:129");
  refuse(std::string(1000000, '['), "config: nested more than 128 levels deep; t:1:129");
}

TEST(JsonReader, ReadsWholeNumbersOnly) {
  const auto read = [](std::string_view text) {
    JsonReader reader(text, Code::kConfig, "t");
    return reader.integer("n", INT64_MIN, INT64_MAX);
  };
  EXPECT_EQ(INT64_MAX, read("9223372036854775807"));
  EXPECT_EQ(INT64_MIN, read("-9223372036854775808"));
  for (const char* text : {"9223372036854775808", "1.0", "1e3"}) {
    EXPECT_THROW(read(text), Error) << text;
  }
  expect_error(Code::kConfig, "config: n is a string, not a number; t:1:2",
               [&] { read(" \"1\""); });
}

TEST(JsonReader, RefusesAKnownKeyThatStandsTwice) {
  const auto read = [](std::string_view text) {
    std::string value;
    JsonReader reader(text, Code::kConfig, "t");
    reader.object("o", Field{"a", [&] { value = reader.string("o.a"); }},
                  Field{"b", [&] { reader.skip(); }});
    return value;
  };
  EXPECT_EQ("1", read(R"({"x":1,"a":"1","x":2,"b":{"a":"2"}})"));
  EXPECT_EQ("1", read(R"({"\u0061":"1"})"));
  EXPECT_EQ("", read("null"));
  expect_error(Code::kConfig, "config: o.a stands twice; t:1:11",
               [&] { read(R"({"a":"1", "\u0061":"2"})"); });
}

TEST(JsonString, WritesWhatTheReaderReads) {
  for (const std::string text :
       {"", "plain", "\"\\\n\t\x01\x1f", "\xc3\xa9\xf0\x9f\x98\x80", "/"}) {
    EXPECT_EQ(text, read_string(json_string(text)));
    EXPECT_EQ(text, nlohmann::json::parse(json_string(text)).get<std::string>());
  }
  expect_error(Code::kConfig,
               "config: can't be written to a JSON document, which is UTF-8; \"a\\xff\"",
               [] { json_string("a\xff"); });
}

}  // namespace
}  // namespace hookcore::oci
