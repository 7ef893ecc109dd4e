#include "libhookcore/runtime/failure.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::runtime {
namespace {

constexpr std::time_t kWhen = 1'600'000'000;

TEST(LogLine, IsWhatTheRuntimeWrites) {
  EXPECT_EQ(R"({"level":"error","msg":"a \"b\"","time":"2020-09-13T12:26:40Z"})",
            log_line(Dialect::kGo, true, "a \"b\"", kWhen));
  EXPECT_EQ(R"({"msg":"a \"b\"","level":"error","time":"2020-09-13T12:26:40Z"})",
            log_line(Dialect::kGetopt, true, "a \"b\"", kWhen));
  EXPECT_EQ(R"(time="2020-09-13T12:26:40Z" level=error msg="a \"b\"")",
            log_line(Dialect::kGo, false, "a \"b\"", kWhen));
  EXPECT_EQ("2020-09-13T12:26:40Z: a \"b\"", log_line(Dialect::kGetopt, false, "a \"b\"", kWhen));
}

TEST(TellEngine, AddsALine) {
  sandbox::run(sandbox::As::kPlain, [](const sandbox::Place& place) {
    const std::string path = place.path + "/log";
    tree::write(path, "first\n");
    Invocation call;
    call.log = path;
    call.log_format = "json";
    tell_engine(call, Dialect::kGo, "broken");
    const std::string text = tree::read(path);
    ASSERT_EQ(0U, text.find("first\n{"));
    const auto line = nlohmann::json::parse(text.substr(6));
    EXPECT_EQ("broken", line["msg"]);
    EXPECT_EQ("error", line["level"]);

    const std::string of_crun = "file:" + place.path + "/new";
    call.log = of_crun;
    tell_engine(call, Dialect::kGetopt, "broken");
    EXPECT_EQ("broken", nlohmann::json::parse(tree::read(place.path + "/new"))["msg"]);
  });
}

TEST(TellEngine, WithoutALogThatCanBeWrittenDoesNothing) {
  Invocation call;
  tell_engine(call, Dialect::kGo, "x");
  for (const std::string_view log : {"", "/", "/no/such/directory/log", "/dev/stderr"}) {
    call.log = log;
    EXPECT_NO_THROW(tell_engine(call, Dialect::kGo, "x")) << log;
  }
  call.log = "journald:x";
  EXPECT_NO_THROW(tell_engine(call, Dialect::kGetopt, "x"));
  EXPECT_FALSE(tree::exists("journald:x"));
}

}  // namespace
}  // namespace hookcore::runtime
