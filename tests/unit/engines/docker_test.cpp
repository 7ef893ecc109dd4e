// Docker's daemon.json: our runtime comes and goes, every other byte stays.
#include "libhookcore/engines/docker.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"

namespace hookcore::engines {
namespace {

constexpr const char* kProgram = "/usr/bin/oci-cnb-runtime";

/// As installing it does.
std::string added(const std::string& text, const std::string& program = kProgram) {
  return with_runtime(without_runtime(text), program);
}
std::string removed(const std::string& text) {
  return without_runtime(text).text.value_or("(no file)");
}

class DaemonFileOf : public ::testing::TestWithParam<const char*> {};

TEST_P(DaemonFileOf, OursComesAndGoes) {
  const std::string before = GetParam();
  const std::string after = added(before);
  const auto json = nlohmann::json::parse(after);
  EXPECT_EQ(json["runtimes"]["cnb"]["path"], kProgram) << after;
  EXPECT_EQ(added(after), after);
  EXPECT_EQ(removed(after), before);
  // Nothing of the administrator's is lost meanwhile.
  auto rest = json;
  rest["runtimes"].erase("cnb");
  if (rest["runtimes"].empty()) rest.erase("runtimes");
  auto expected = before.find('{') == std::string::npos ? nlohmann::json::object()
                                                        : nlohmann::json::parse(before);
  if (expected.contains("runtimes") && expected["runtimes"].empty()) expected.erase("runtimes");
  EXPECT_EQ(rest, expected) << after;
}

INSTANTIATE_TEST_SUITE_P(
    Files, DaemonFileOf,
    ::testing::Values(
        "", "\n", " \r\n", "{\r\n}", "{\r\n  \"debug\": true\r\n}\r\n", "{}", "{}\n", "{ }\n",
        "{\n}\n", R"({"debug":true})", R"({"runtimes":{}})", R"({"runtimes": { }, "debug": true})",
        R"({ "debug" : true , "x" : [ 1 , 2 ] } )",
        "{\n    \"debug\": true,\n    \"hosts\": [\"unix:///x\"]\n}\n",
        "{\n\t\"runtimes\": {\n\t\t\"crun\": {\n\t\t\t\"path\": \"/usr/bin/crun\"\n\t\t}\n\t}\n}",
        "\n\n{\n  \"a\": \"}, \\\" {\",\n  \"runtimes\": {\"x\": {\"path\": \"/x\"}},\n"
        "  \"big\": 12345678901234567890123\n}\n\n"));

TEST(DaemonFileThatWasNotThere, GoesAgain) {
  for (const bool directory : {true, false}) {
    const std::string after = with_runtime({std::nullopt, directory}, kProgram);
    EXPECT_EQ(nlohmann::json::parse(after)["runtimes"]["cnb"]["path"], kProgram) << after;
    EXPECT_EQ(added(after), after);
    const DaemonFile before = without_runtime(after);
    EXPECT_EQ(before.text, std::nullopt);
    EXPECT_EQ(before.directory, directory);
  }
}

TEST(DaemonFileOfOthers, AnEntryThatTheAdministratorMovedIsFound) {
  EXPECT_EQ(
      removed(R"({"runtimes":{"a":{"path":"/a"}, "cnb": {"path":"/x/oci-cnb-runtime"},"b":{}}})"),
      R"({"runtimes":{"a":{"path":"/a"},"b":{}}})");
}

TEST(DaemonFileOfOthers, AnOlderPlaceOfOurProgramIsReplaced) {
  const std::string moved = added(added("{}"), "/opt/bin/oci-cnb-runtime");
  EXPECT_EQ(nlohmann::json::parse(moved)["runtimes"]["cnb"]["path"], "/opt/bin/oci-cnb-runtime");
  EXPECT_EQ(removed(moved), "{}");
}

TEST(DaemonFileOfOthers, ARuntimeThatIsNotOursIsLeftAlone) {
  const std::string text = R"({"runtimes":{"cnb":{"path":"/usr/bin/other"}}})";
  EXPECT_EQ(removed(text), text);
  EXPECT_THROW(added(text), Error);
}

TEST(DaemonFileOfOthers, WhatIsNotUnderstoodIsRefused) {
  for (const char* text : {"[]", "{", "{\"runtimes\": []}", "{\"runtimes\": null}", "nonsense",
                           "{\"a\": 1,}", "{} {}"}) {
    EXPECT_THROW(added(text), Error) << text;
  }
}

}  // namespace
}  // namespace hookcore::engines
