#include "libhookcore/nri/plugin.h"

#include <gtest/gtest.h>

#include "libhookcore/environment/guard.h"

namespace hookcore::nri {
namespace {

/// Counts what it is told.
struct Told : Observer {
  void configured(const proto::ConfigureRequest& request) override {
    runtime = request.runtime_name();
  }
  void adjusted(const proto::CreateContainerRequest&,
                const std::vector<std::string>& lines) override {
    ++adjusted_count;
    warnings = lines;
  }
  void refused(const proto::CreateContainerRequest&, const Error& error) override {
    refusals.push_back(error.line());
  }
  void ignored() override { ++ignored_count; }
  void synchronized(size_t pods_there, size_t containers_there) override {
    ++synchronizations;
    pods = pods_there;
    containers = containers_there;
  }
  void removed(const std::string& uid) override { removed_pods.push_back(uid); }

  std::string runtime;
  int adjusted_count = 0;
  int ignored_count = 0;
  int synchronizations = 0;
  size_t pods = 0;
  size_t containers = 0;
  std::vector<std::string> refusals;
  std::vector<std::string> removed_pods;
  std::vector<std::string> warnings;
};

class PluginTest : public testing::Test {
 protected:
  PluginTest() {
    auto& pod = *request.mutable_pod();
    pod.set_name("builder");
    pod.set_namespace_("default");
    pod.set_uid("0b5e3f8a");
    (*pod.mutable_annotations())["io.cnb.hooks.role"] = "dev";
    auto& container = *request.mutable_container();
    container.set_id("4711");
    container.set_name("main");
    container.add_env("PATH=/bin");
    auto& mount = *container.add_mounts();
    mount.set_destination("//workspace/.");
    mount.set_type("bind");
    mount.set_source("/var/lib/kubelet/pods/0b5e3f8a/volumes/source");
  }

  Reply create() {
    return plugin.handle(kPluginService, "CreateContainer", request.SerializeAsString());
  }
  proto::ContainerAdjustment adjustment() {
    const Reply reply = create();
    EXPECT_EQ(reply.status, Status::kOk) << reply.message;
    proto::CreateContainerResponse response;
    EXPECT_TRUE(response.ParseFromString(reply.payload));
    return response.adjust();
  }
  void expect_refused(const std::string& text) {
    const Reply reply = create();
    EXPECT_NE(reply.status, Status::kOk);
    EXPECT_NE(reply.message.find(text), std::string::npos) << reply.message;
    EXPECT_EQ(told.refusals.size(), 1U);
  }
  std::string& annotation(const std::string& key) {
    return (*request.mutable_pod()->mutable_annotations())[key];
  }

  proto::CreateContainerRequest request;
  Told told;
  Plugin plugin{[] { return settings::Settings{}; }, "/opt/hooks", told};
};

TEST_F(PluginTest, APodsUidIsTheSessionOfAPhase) {
  annotation("io.cnb.hooks.role") = "build";
  request.mutable_container()->add_args("/cnb/lifecycle/builder");
  EXPECT_GT(adjustment().env_size(), 0);
  request.mutable_pod()->clear_uid();
  expect_refused("the lifecycle's builder has a workspace of its own");
}

TEST_F(PluginTest, AsksForEventsThatEveryVersionKnows) {
  proto::ConfigureRequest configure;
  configure.set_runtime_name("containerd");
  const Reply reply = plugin.handle(kPluginService, "Configure", configure.SerializeAsString());
  proto::ConfigureResponse response;
  ASSERT_TRUE(response.ParseFromString(reply.payload));
  EXPECT_EQ(response.events(), 0xD);
  EXPECT_EQ(told.runtime, "containerd");
}

TEST_F(PluginTest, NotOptedInIsLeftAlone) {
  request.mutable_pod()->clear_annotations();
  EXPECT_EQ(create().payload, "");
  EXPECT_EQ(told.ignored_count, 1);
}

TEST_F(PluginTest, AddsEnvironmentHooksAndItsMark) {
  const auto changes = adjustment();
  ASSERT_EQ(changes.hooks().create_runtime_size(), 1);
  EXPECT_EQ(changes.hooks().create_runtime(0).path(), "/opt/hooks/oci-cnb-createruntime");
  EXPECT_GT(changes.hooks().create_runtime(0).env_size(), 0);
  ASSERT_EQ(changes.hooks().poststop_size(), 1);
  EXPECT_EQ(changes.hooks().poststop(0).path(), "/opt/hooks/oci-cnb-poststop");
  EXPECT_EQ(changes.annotations().at("io.cnb.hooks.role"), "dev");
  EXPECT_EQ(changes.annotations().at("io.cnb.nri.adjusted"), "4711");
  ASSERT_EQ(changes.env_size(), 4);
  EXPECT_EQ(changes.env(0).key(), "CNB_PLATFORM_API");
  EXPECT_EQ(told.adjusted_count, 1);
}

TEST_F(PluginTest, KeepsWhatIsSet) {
  request.mutable_container()->add_env("CNB_PLATFORM_API=0.9");
  const auto changes = adjustment();
  for (const auto& variable : changes.env()) EXPECT_NE(variable.key(), "CNB_PLATFORM_API");
}

TEST_F(PluginTest, CriosOwnPathBesideTheImagesIsNoWarning) {
  request.mutable_container()->add_env("PATH=/usr/bin:/bin");
  EXPECT_GT(adjustment().env_size(), 0);
  EXPECT_EQ(told.warnings, std::vector<std::string>{});
}

TEST_F(PluginTest, AVariableOfOursThatStandsTwiceIsRefused) {
  request.mutable_container()->add_env("CNB_PLATFORM_API=0.9");
  request.mutable_container()->add_env("CNB_PLATFORM_API=0.12");
  expect_refused("\"CNB_PLATFORM_API\" stands more than once");
}

TEST_F(PluginTest, AHookThatIsThereIsNotAddedAgain) {
  request.mutable_container()->mutable_hooks()->add_create_runtime()->set_path(
      "/elsewhere/oci-cnb-createruntime");
  EXPECT_EQ(adjustment().hooks().create_runtime_size(), 0);
}

TEST_F(PluginTest, TheContainersAnnotationWinsOverThePods) {
  annotation("io.cnb.hooks.role/container.main") = "launch";
  annotation("io.cnb.hooks.role/container.other") = "build";
  annotation("io.cnb.hooks.role/pod") = "detect";
  EXPECT_EQ(adjustment().annotations().at("io.cnb.hooks.role"), "launch");
}

TEST_F(PluginTest, APodCantNameItsContainersOtherwise) {
  annotation("io.kubernetes.cri.container-name") = "other";
  annotation("io.cnb.hooks.role/container.other") = "launch";
  EXPECT_EQ(adjustment().annotations().at("io.cnb.hooks.role"), "dev");
}

TEST_F(PluginTest, ScopedKeysThatReachTheContainerAreReplaced) {
  (*request.mutable_container()->mutable_annotations())["io.cnb.hooks.role/pod"] = "launch";
  const auto changes = adjustment();
  EXPECT_EQ(changes.annotations().at("io.cnb.hooks.role"), "launch");
  EXPECT_EQ(changes.annotations().count("-io.cnb.hooks.role/pod"), 1U);
}

TEST_F(PluginTest, RefusesAWrongAnnotation) {
  annotation("io.cnb.hooks.rol") = "dev";
  expect_refused("did you mean \"io.cnb.hooks.role\"?");
}

TEST_F(PluginTest, RefusesAWorkspaceThatNothingIsMountedAt) {
  request.mutable_container()->clear_mounts();
  expect_refused(
      "source: nothing is mounted at \"/workspace\"; give the pod's container a volumeMount");
}

TEST_F(PluginTest, RefusesAForgedMark) {
  annotation("io.cnb.nri.adjusted") = "4711";
  expect_refused("is set by the NRI plugin only");
}

TEST_F(PluginTest, RefusesAVariableThatIsNoVersion) {
  request.mutable_container()->add_env("CNB_PLATFORM_API=abc");
  expect_refused("CNB_PLATFORM_API is \"abc\"");
}

TEST_F(PluginTest, WarnsWhereTheAnnotationSaysSo) {
  annotation("io.cnb.hooks.enforce") = "warn";
  request.mutable_container()->add_env("CNB_PLATFORM_API=abc");
  adjustment();
  EXPECT_EQ(told.warnings.size(), 1U);
}

TEST_F(PluginTest, UnderAGuardEveryContainerNeedsARole) {
  request.mutable_pod()->clear_annotations();
  request.mutable_container()->mutable_hooks()->add_create_runtime()->set_path(
      "/opt/hooks/oci-cnb-guard");
  expect_refused("no role for container \"main\"");
}

TEST_F(PluginTest, SettingsThatCantBeReadRefuse) {
  Plugin broken([]() -> settings::Settings { throw Error(Code::kSettings, "unknown key"); },
                "/opt/hooks", told);
  const Reply reply = broken.handle(kPluginService, "CreateContainer", request.SerializeAsString());
  EXPECT_NE(reply.status, Status::kOk);
  EXPECT_NE(reply.message.find("settings: unknown key"), std::string::npos);
}

TEST_F(PluginTest, SynchronizesInParts) {
  proto::SynchronizeRequest part;
  part.add_pods();
  part.add_containers();
  part.set_more(true);
  proto::SynchronizeResponse response;
  const auto send = [&] {
    return response.ParseFromString(
        plugin.handle(kPluginService, "Synchronize", part.SerializeAsString()).payload);
  };
  ASSERT_TRUE(send());
  EXPECT_TRUE(response.more());
  EXPECT_EQ(told.synchronizations, 0);
  part.set_more(false);
  ASSERT_TRUE(send());
  EXPECT_FALSE(response.more());
  EXPECT_EQ(told.synchronizations, 1);
  EXPECT_EQ(told.pods, 2U);
}

// A pod whose sandbox died has two for a while.
TEST_F(PluginTest, APodIsRemovedWithTheLastOfItsSandboxes) {
  using Pods = std::vector<std::string>;
  const auto tell = [&](int event, const std::string& method, const std::string& sandbox) {
    request.mutable_pod()->set_id(sandbox);
    if (event == 0) return plugin.handle(kPluginService, method, request.SerializeAsString());
    proto::StateChangeEvent change;
    change.set_event(event);
    *change.mutable_pod() = request.pod();
    return plugin.handle(kPluginService, method, change.SerializeAsString());
  };
  struct Form {
    int run, remove;
    const char *run_method, *remove_method;
  };
  for (const Form& form : {Form{1, 3, "StateChange", "StateChange"},
                           Form{0, 0, "RunPodSandbox", "RemovePodSandbox"}}) {
    told.removed_pods.clear();
    EXPECT_EQ(tell(form.run, form.run_method, "first").status, Status::kOk);
    tell(form.run, form.run_method, "second");
    tell(form.remove, form.remove_method, "first");
    EXPECT_EQ(told.removed_pods, Pods{});
    EXPECT_TRUE(plugin.pods().has("0b5e3f8a"));
    tell(9, "StateChange", "second");  // another event
    tell(form.remove, form.remove_method, "second");
    EXPECT_EQ(told.removed_pods, Pods{"0b5e3f8a"});
    EXPECT_FALSE(plugin.pods().has("0b5e3f8a"));
  }
}

TEST_F(PluginTest, PodsAreThoseOfTheLastSynchronisationAndOfContainers) {
  proto::SynchronizeRequest part;
  *part.add_pods() = request.pod();
  plugin.handle(kPluginService, "Synchronize", part.SerializeAsString());
  EXPECT_TRUE(plugin.pods().has("0b5e3f8a"));
  plugin.handle(kPluginService, "Configure", {});
  EXPECT_FALSE(plugin.pods().has("0b5e3f8a"));
  create();
  EXPECT_TRUE(plugin.pods().has("0b5e3f8a"));
}

TEST_F(PluginTest, UnknownMethodsAndBrokenPayloads) {
  EXPECT_EQ(plugin.handle(kPluginService, "Later", "").status, Status::kUnimplemented);
  EXPECT_EQ(plugin.handle("another", "CreateContainer", "").status, Status::kUnimplemented);
  for (const char* method : {"Configure", "Synchronize", "CreateContainer", "StateChange",
                             "RunPodSandbox", "RemovePodSandbox"}) {
    EXPECT_EQ(plugin.handle(kPluginService, method, "\xFF\xFF").status, Status::kInvalidArgument);
  }
}

}  // namespace
}  // namespace hookcore::nri
