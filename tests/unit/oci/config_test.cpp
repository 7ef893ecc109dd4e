#include "libhookcore/oci/config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/samples.h"

namespace hookcore::oci {
namespace {

using nlohmann::json;
using Strings = std::vector<std::string>;

void refuse(std::string_view text, const std::string& line) {
  expect_error(Code::kConfig, line, [&] { parse_config(text); });
}

Strings strings(const json& value) { return value.is_array() ? value.get<Strings>() : Strings(); }

// What the view says of every sample is what a general parser says.
TEST(Config, ReadsEverySampleAsNlohmannDoes) {
  for (const std::string& name : samples::names()) {
    SCOPED_TRACE(name);
    const std::string text = samples::read(name);
    json document = json::parse(text);
    const ConfigView view = parse_config(text);
    json process = document["process"];
    EXPECT_TRUE(view.has_process);
    EXPECT_EQ(process["cwd"], view.cwd);
    EXPECT_EQ(strings(process["env"]), view.env);
    EXPECT_EQ(strings(process["args"]), view.args);
    EXPECT_EQ(process["user"]["uid"], view.user.uid);
    EXPECT_EQ(process["user"]["gid"], view.user.gid);
    EXPECT_EQ(process["user"].value("additionalGids", std::vector<gid_t>()),
              view.user.additional_gids);
    EXPECT_EQ(process.value("terminal", false), view.terminal);
    EXPECT_EQ(strings(process["capabilities"]["effective"]), view.effective_capabilities);
    EXPECT_EQ(document["root"]["path"], view.root_path);
    EXPECT_EQ(document["root"].value("readonly", false), view.root_readonly);
    EXPECT_EQ(document.value("annotations", Annotations()), view.annotations);
    EXPECT_EQ(document.value("annotations", Annotations()), parse_annotations(text));

    ASSERT_EQ(document["mounts"].size(), view.mounts.size());
    for (size_t i = 0; i < view.mounts.size(); ++i) {
      EXPECT_EQ(document["mounts"][i]["destination"], view.mounts[i].destination);
      EXPECT_EQ(document["mounts"][i].value("type", ""), view.mounts[i].type);
      EXPECT_EQ(document["mounts"][i].value("source", ""), view.mounts[i].source);
      EXPECT_EQ(document["mounts"][i].value("options", Strings()), view.mounts[i].options);
    }
    json linux_part = document["linux"];
    ASSERT_EQ(linux_part["namespaces"].size(), view.namespaces.size());
    EXPECT_EQ(linux_part["namespaces"][0]["type"], view.namespaces[0].type);
    ASSERT_EQ(linux_part.value("uidMappings", json::array()).size(), view.uid_mappings.size());
    for (size_t i = 0; i < view.uid_mappings.size(); ++i) {
      EXPECT_EQ(linux_part["uidMappings"][i]["containerID"], view.uid_mappings[i].container_id);
      EXPECT_EQ(linux_part["uidMappings"][i]["hostID"], view.uid_mappings[i].host_id);
      EXPECT_EQ(linux_part["uidMappings"][i]["size"], view.uid_mappings[i].size);
    }
    EXPECT_EQ(linux_part.value("maskedPaths", Strings()), view.masked_paths);
  }
}

TEST(Config, ReadsHooks) {
  const ConfigView view = parse_config(R"({"hooks":{"createRuntime":[
      {"path":"/h","args":["h","x"],"env":["A=b"],"timeout":5}],"poststop":[{"path":"/p"}],"new":1}})");
  ASSERT_EQ(1U, view.hooks.create_runtime.size());
  EXPECT_EQ("/h", view.hooks.create_runtime[0].path);
  EXPECT_EQ((Strings{"h", "x"}), view.hooks.create_runtime[0].args);
  EXPECT_EQ((Strings{"A=b"}), view.hooks.create_runtime[0].env);
  EXPECT_EQ(5, view.hooks.create_runtime[0].timeout);
  ASSERT_EQ(1U, view.hooks.poststop.size());
  EXPECT_EQ(std::nullopt, view.hooks.poststop[0].timeout);
  EXPECT_FALSE(view.has_process);
}

TEST(Config, TakesNullForAbsent) {
  const ConfigView view = parse_config(
      R"({"process":{"env":null,"user":null},"mounts":[{"destination":"/a","options":null}],)"
      R"("hooks":null,"annotations":null,"linux":null})");
  EXPECT_TRUE(view.has_process);
  EXPECT_TRUE(view.env.empty());
  EXPECT_EQ(1U, view.mounts.size());
  EXPECT_FALSE(parse_config(R"({"process":null})").has_process);
}

TEST(Config, NamesTheFieldAndThePlace) {
  refuse("{\"process\":{\n\"cwd\": 7}}",
         "config: process.cwd is a number, not a string; config.json:2:8");
  refuse(R"({"process":{"env":["A=b",null]}})",
         "config: process.env is null, not a string; config.json:1:26");
  refuse(R"({"process":{"env":{}}})",
         "config: process.env is an object, not an array; config.json:1:19");
  refuse(R"({"process":{"user":{"uid":4294967296}}})",
         "config: process.user.uid is \"4294967296\", not a whole number from 0 to 4294967295; "
         "config.json:1:27");
  refuse(R"({"process":{},"process":{}})", "config: process stands twice; config.json:1:15");
  refuse(R"({"process":{"cwd":"/","cwd":"/x"}})",
         "config: process.cwd stands twice; config.json:1:23");
  refuse(R"({"annotations":{"a":"1","\u0061":"2"}})",
         "config: annotation \"a\" stands twice; config.json:1:34");
  refuse(R"({"root":{"path":"a\u0000b"}})",
         "config: root.path has a zero byte in it; config.json:1:17");
  refuse("42", "config: the document isn't a JSON object; config.json:1:1");
  refuse("{} {}", "config: not JSON: \"{\" after the end of the document; config.json:1:4");
  refuse(std::string(kMaxConfigSize + 1, ' '),
         "config: the document is larger than 16 MiB; config.json");
}

TEST(Config, AnnotationsAloneDoNotJudgeTheRest) {
  EXPECT_EQ((Annotations{{"a", "b"}}),
            parse_annotations(R"({"process":{"cwd":7,"cwd":8},"annotations":{"a":"b"}})"));
  expect_error(Code::kConfig, "config: the document ends too early; f:1:2",
               [] { parse_annotations("{", "f"); });
}

TEST(Config, LastMountCounts) {
  const ConfigView view = parse_config(R"({"mounts":[
      {"destination":"/a","source":"1"},{"destination":"//a/./b/../","source":"2"}]})");
  ASSERT_NE(nullptr, view.mount_at("/a"));
  EXPECT_EQ("2", view.mount_at("/a")->source);
  EXPECT_EQ("//a/./b/../", view.mount_at("/a")->destination);
  EXPECT_EQ(nullptr, view.mount_at("/a/b"));
}

TEST(Mount, KnowsBindsAndReadonly) {
  const auto mount = [](const char* type, Strings options) {
    return Mount{"/a", "/a", type, "/s", std::move(options)};
  };
  EXPECT_TRUE(mount("bind", {}).is_bind());
  EXPECT_TRUE(mount("none", {"rbind"}).is_bind());
  EXPECT_TRUE(mount("", {"ro", "bind"}).is_bind());
  EXPECT_FALSE(mount("tmpfs", {"ro"}).is_bind());
  EXPECT_TRUE(mount("bind", {"rw", "ro"}).is_readonly());
  EXPECT_FALSE(mount("bind", {"ro", "rw"}).is_readonly());
  EXPECT_FALSE(mount("bind", {}).is_readonly());
}

TEST(Mappings, MapIds) {
  const std::vector<IdMapping> keep_id = {{0, 1, 1000}, {1000, 0, 1}, {1001, 1001, 64536}};
  EXPECT_EQ(1U, map_to_host(keep_id, 0));
  EXPECT_EQ(0U, map_to_host(keep_id, 1000));
  EXPECT_EQ(65536U, map_to_host(keep_id, 65536));
  EXPECT_EQ(std::nullopt, map_to_host(keep_id, 65537));
  EXPECT_EQ(7U, map_to_host({}, 7));
}

TEST(View, FindsVariables) {
  ConfigView view;
  view.env = {"PATH=/bin", "CNB_X", "CNB_X_Y=1", "CNB_X=", "CNB_X=2"};
  EXPECT_EQ("", view.env_value("CNB_X"));
  EXPECT_EQ("1", view.env_value("CNB_X_Y"));
  EXPECT_EQ(std::nullopt, view.env_value("CNB"));
}

}  // namespace
}  // namespace hookcore::oci
