#include "libhookcore/environment/hooks.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libhookcore/environment/verify.h"
#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/samples.h"

namespace hookcore::environment {
namespace {

std::string with_hooks(const std::string& text, const std::string& directory = "/opt/hooks") {
  oci::ConfigEditor editor(text);
  add_hooks(editor, directory);
  return editor.text();
}

TEST(AddHooks, NamesBothProgramsWithAnEnvironment) {
  EXPECT_EQ(R"({"hooks":{"createRuntime":[{"path":"/opt/hooks/oci-cnb-createruntime",)"
            R"("args":["oci-cnb-createruntime"],"env":["PATH=/usr/bin:/bin"]}],)"
            R"("poststop":[{"path":"/opt/hooks/oci-cnb-poststop",)"
            R"("args":["oci-cnb-poststop"],"env":["PATH=/usr/bin:/bin"]}]}})",
            with_hooks("{}"));
}

TEST(AddHooks, IsIdempotentOnEverySample) {
  for (const std::string& name : samples::names()) {
    const std::string once = with_hooks(samples::read(name));
    EXPECT_TRUE(has_mount_hook(oci::parse_config(once).hooks)) << name;
    EXPECT_EQ(once, with_hooks(once)) << name;
    EXPECT_EQ(once, with_hooks(once, "/another/place")) << name;
  }
}

TEST(AddHooks, LeavesOtherHooksFirst) {
  const auto view = oci::parse_config(
      with_hooks(R"({"hooks":{"createRuntime":[{"path":"/x"}],"prestart":[{"path":"/y"}]}})"));
  ASSERT_EQ(2U, view.hooks.create_runtime.size());
  EXPECT_EQ("/x", view.hooks.create_runtime[0].path);
  EXPECT_EQ(1U, view.hooks.prestart.size());
}

TEST(AddHooks, APlainUsersRuntimeNeedsAnotherStage) {
  oci::ConfigEditor editor("{}");
  add_hooks(editor, "/h", Starter::kPlainUser);
  const auto view = oci::parse_config(editor.text());
  ASSERT_EQ(1U, view.hooks.create_container.size());
  EXPECT_EQ("--stage=createContainer", view.hooks.create_container[0].args.at(1));
  EXPECT_TRUE(has_mount_hook(view.hooks));
  EXPECT_EQ(editor.text(), with_hooks(editor.text()));
}

TEST(AddHooks, RefusesADirectoryThatIsNoPlace) {
  expect_error(Code::kUsage, "usage: the hooks' directory has to be an absolute path; \"hooks\"",
               [] { with_hooks("{}", "hooks"); });
  expect_error(Code::kUsage, "usage: the hooks' directory has to be an absolute path; \"/a\\nb\"",
               [] { with_hooks("{}", "/a\nb"); });
  EXPECT_THROW(with_hooks("{}", "/\xff"), Error);
}

TEST(VerifyBundle, WantsASourceAndAHook) {
  optin::Request request;
  const auto ids = [&](const std::string& text) {
    std::vector<std::string> found;
    for (const Finding& finding : verify_bundle(oci::parse_config(text), request)) {
      found.push_back(std::string(name(finding.severity)) + " " + std::string(finding.id));
    }
    return found;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ((Ids{"error workspace-mount", "warning hooks"}), ids("{}"));
  EXPECT_EQ(Ids{}, ids(with_hooks(R"({"mounts":[{"destination":"/workspace/","type":"bind"}]})")));
  EXPECT_EQ(Ids{"error mount-order"},
            ids(with_hooks(R"({"mounts":[{"destination":"/workspace"},{"destination":"/"}]})")));
  EXPECT_EQ(Ids{"warning hooks"}, ids(R"({"mounts":[{"destination":"/workspace"}],)"
                                      R"("hooks":{"createRuntime":[{"path":"/x"}]}})"));
  EXPECT_EQ(Ids{}, ids(R"({"mounts":[{"destination":"/workspace"}],)"
                       R"("hooks":{"prestart":[{"path":"/h/oci-cnb-prestart"}]}})"));
  request.role = optin::Role::kLaunch;
  EXPECT_EQ(Ids{"warning hooks"}, ids("{}"));
}

}  // namespace
}  // namespace hookcore::environment
