#include "libhookcore/environment/guard.h"

#include <gtest/gtest.h>

#include "libhookcore/base/error.h"

namespace hookcore::environment {
namespace {

class Guard : public testing::Test {
 protected:
  Guard() {
    state.id = "4711";
    state.annotations = {{"io.kubernetes.cri.container-type", "container"},
                         {std::string(kAdjustedKey), "4711"}};
    hooks.create_runtime.push_back({"/opt/hooks/oci-cnb-guard", {}, {}, {}});
    hooks.create_runtime.push_back({"/opt/hooks/oci-cnb-createruntime", {}, {}, {}});
  }
  void expect_refused() { EXPECT_THROW(require_adjusted(state, hooks), Error); }

  oci::State state;
  oci::Hooks hooks;
};

TEST_F(Guard, LetsAnAdjustedContainerStart) {
  require_adjusted(state, hooks);
  EXPECT_TRUE(has_guard(hooks));
}

TEST_F(Guard, LetsASandboxPass) {
  state.annotations = {{"io.kubernetes.cri.container-type", "sandbox"}};
  require_adjusted(state, {});
  state.annotations = {{"io.kubernetes.cri-o.ContainerType", "sandbox"}};
  require_adjusted(state, {});
}

TEST_F(Guard, AContainerCantCallItselfASandbox) {
  state.annotations = {{"io.kubernetes.cri.container-type", "container"},
                       {"io.kubernetes.cri-o.ContainerType", "sandbox"}};
  expect_refused();
}

TEST_F(Guard, RefusesWithoutAMark) {
  state.annotations.erase(std::string(kAdjustedKey));
  expect_refused();
}

TEST_F(Guard, RefusesTheMarkOfAnotherContainer) {
  state.annotations[std::string(kAdjustedKey)] = "4712";
  expect_refused();
}

TEST_F(Guard, RefusesAMarkWithoutAnId) {
  state.id.clear();
  state.annotations[std::string(kAdjustedKey)] = "";
  expect_refused();
}

TEST_F(Guard, RefusesWithoutAMountHook) {
  hooks.create_runtime.pop_back();
  expect_refused();
}

}  // namespace
}  // namespace hookcore::environment
