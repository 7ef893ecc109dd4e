#include "libhookcore/optin/variables.h"

#include <gtest/gtest.h>

#include "tests/unit/support/expect_error.h"

namespace hookcore::optin {
namespace {

TEST(Variables, StandForAnnotations) {
  const auto found =
      annotations_of_environment({"PATH=/bin", "OCI_CNB_ROLE=build", "OCI_CNB_WORKSPACE_PATH=/a=b",
                                  "OCI_CNB_SESSION=s", "CNB_APP_DIR=/x", "OCI_CNBX=1"});
  EXPECT_EQ((Annotations{{"io.cnb.hooks.role", "build"},
                         {"io.cnb.hooks.workspace-path", "/a=b"},
                         {"io.cnb.hooks.session", "s"}}),
            found);
}

TEST(Variables, EveryAnnotationHasOne) {
  std::vector<std::string> env = {"OCI_CNB_ROLE=dev"};
  for (const char* name : {"WORKSPACE", "WORKSPACE_PATH", "IGNORE_FILE", "SESSION", "SCRATCH",
                           "PLATFORM_API", "EXPERIMENTAL_MODE", "CWD", "ENFORCE", "LOG"}) {
    env.push_back(std::string("OCI_CNB_") + name + "=v");
    EXPECT_TRUE(is_variable(env.back())) << name;
  }
  EXPECT_EQ(annotation_names().size(), annotations_of_environment(env)->size());
  EXPECT_FALSE(is_variable("OCI_CNB_OTHER=v"));
  EXPECT_FALSE(is_variable("CNB_ROLE=v"));
}

TEST(Variables, WithoutARoleNothingIsOptedIn) {
  EXPECT_FALSE(annotations_of_environment({}));
  EXPECT_FALSE(annotations_of_environment({"OCI_CNB_ROLE=", "OCI_CNB_NONSENSE=1"}));
  EXPECT_FALSE(annotations_of_environment({"OCI_CNB_ROLE", "OCI_CNB_SESSION=s"}));
}

TEST(Variables, RefusesUnknownOnesAndDuplicates) {
  expect_error(Code::kAnnotation,
               "annotation: unknown variable \"OCI_CNB_SESION\"; the container's environment; did "
               "you mean \"OCI_CNB_SESSION\"?",
               [] {
                 annotations_of_environment({"OCI_CNB_ROLE=dev", "OCI_CNB_SESION=s"});
               });
  expect_error(
      Code::kAnnotation,
      "annotation: \"OCI_CNB_LOG\" stands twice; the container's environment; give it once", [] {
        annotations_of_environment({"OCI_CNB_ROLE=dev", "OCI_CNB_LOG=info", "OCI_CNB_LOG=debug"});
      });
}

}  // namespace
}  // namespace hookcore::optin
