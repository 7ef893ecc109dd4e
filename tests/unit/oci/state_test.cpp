#include "libhookcore/oci/state.h"

#include <gtest/gtest.h>

#include "tests/unit/support/expect_error.h"

namespace hookcore::oci {
namespace {

void refuse(std::string_view json, const std::string& line) {
  expect_error(Code::kState, line, [&] { parse_state(json); });
}

TEST(State, ReadsRuncsForm) {
  const State state =
      parse_state(R"({"ociVersion":"1.0.2-dev","id":"c1","status":"creating","pid":4711,)"
                  R"("bundle":"/run/b","annotations":{"io.cnb.hooks.role":"dev","x":"<\u0026>"}})");
  EXPECT_EQ("1.0.2-dev", state.oci_version);
  EXPECT_EQ("c1", state.id);
  EXPECT_EQ("creating", state.status);
  EXPECT_EQ(4711, state.pid);
  EXPECT_EQ("/run/b", state.bundle);
  EXPECT_EQ("", state.root);
  EXPECT_EQ((Annotations{{"io.cnb.hooks.role", "dev"}, {"x", "<&>"}}), state.annotations);
}

TEST(State, ReadsCrunsForm) {
  const State state = parse_state(R"({
  "ociVersion": "1.0", "id": "c1", "pid": 0, "root": "\/srv\/rootfs",
  "bundle": "\/", "status": "created", "owner": {"deep": [1.5, null]},
  "annotations": {}
}
)");
  EXPECT_EQ("/", state.bundle);
  EXPECT_EQ("/srv/rootfs", state.root);
  EXPECT_EQ(0, state.pid);
}

TEST(State, TakesMissingAndNullAnnotations) {
  const std::string head = R"({"id":"c","status":"stopped","bundle":"/b")";
  EXPECT_TRUE(parse_state(head + "}").annotations.empty());
  EXPECT_TRUE(parse_state(head + R"(,"annotations":null})").annotations.empty());
}

TEST(State, RefusesWhatIsNoState) {
  refuse("", "state: the document is empty; state on stdin:1:1");
  refuse("[]", "state: the document isn't a JSON object; state on stdin:1:1");
  refuse(R"({"id":"c","pid":1)", "state: the document ends too early; state on stdin:1:18");
  refuse(R"({"id":7})", "state: id is a number, not a string; state on stdin:1:7");
  refuse(R"({"pid":"1"})", "state: pid is a string, not a number; state on stdin:1:8");
  refuse(R"({"pid":-1})",
         "state: pid is \"-1\", not a whole number from 0 to 2147483647; state on stdin:1:8");
  refuse(R"({"annotations":{"a":1}})",
         "state: annotation \"a\" is a number, not a string; state on stdin:1:21");
  refuse(R"({"annotations":{"a":"1","a":"2"}})",
         "state: annotation \"a\" stands twice; state on stdin:1:29");
  const std::string end = "; state on stdin; hooks are started by an OCI runtime";
  refuse("{}", "state: there is no container id" + end);
  refuse(R"({"id":"../x"})", "state: the container id \"../x\" can't be a file name" + end);
  refuse(R"({"id":"c"})", "state: there is no status" + end);
  refuse(R"({"id":"c","status":"created"})", "state: bundle is \"\", not an absolute path" + end);
  refuse(std::string(kMaxStateSize + 1, ' '), "state: the document is larger than 4 MiB" + end);
}

}  // namespace
}  // namespace hookcore::oci
