#include "libhookcore/optin/annotations.h"

#include <gtest/gtest.h>

#include <vector>

namespace hookcore::optin {
namespace {

std::vector<std::string> keys_of_ours(const Annotations& annotations) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : ours(annotations)) keys.push_back(key);
  return keys;
}

TEST(Annotations, OursAreThoseBelowThePrefix) {
  const Annotations none{{"a", ""}, {"io.cnb.hooks", ""}, {"io.cnb.hooksx", ""}, {"z", ""}};
  EXPECT_EQ(std::vector<std::string>{}, keys_of_ours(none));
  EXPECT_FALSE(mentions_us(none));
  EXPECT_FALSE(mentions_us({}));
  Annotations some = none;
  some.insert({{"io.cnb.hooks.", ""}, {"io.cnb.hooks.role/pod", "dev"}, {"io.cnb.hooks.x", ""}});
  EXPECT_EQ((std::vector<std::string>{"io.cnb.hooks.", "io.cnb.hooks.role/pod", "io.cnb.hooks.x"}),
            keys_of_ours(some));
  EXPECT_TRUE(mentions_us(some));
}

TEST(Annotations, OfOursWithoutARoleAreNoticed) {
  EXPECT_EQ("", key_without_role({}));
  EXPECT_EQ("", key_without_role({{"io.cnb.hook.role", "dev"}, {"io.cnb.hooksx", "1"}, {"z", ""}}));
  EXPECT_EQ("", key_without_role({{"io.cnb.hooks.role", "dev"}, {"io.cnb.hooks.cwd", "keep"}}));
  EXPECT_EQ("io.cnb.hooks.cwd", key_without_role({{"a", "b"}, {"io.cnb.hooks.cwd", "keep"}}));
  EXPECT_EQ("io.cnb.hooks.scratch",
            key_without_role({{"io.cnb.hooks.scratch", "tmpfs"}, {"io.cnb.hooks.session", "s"}}));
  // Another container of the pod has one: this one was left out on purpose.
  EXPECT_EQ("", key_without_role(
                    {{"io.cnb.hooks.cwd", "keep"}, {"io.cnb.hooks.role/container.main", "dev"}}));
  EXPECT_EQ("", key_without_role({{"io.cnb.hooks.cwd", "keep"},
                                  {"io.kubernetes.cri.container-type", "sandbox"}}));
}

TEST(Annotations, PodmanStartsAContainerAgainUnlessItRemovesIt) {
  const std::string remove = "io.podman.annotations.autoremove";
  const Annotations podman{{"io.container.manager", "libpod"}};
  EXPECT_TRUE(is_of_podman(podman));
  EXPECT_TRUE(is_restartable(podman));
  EXPECT_TRUE(is_restartable({{"io.container.manager", "libpod"}, {remove, "FALSE"}}));
  EXPECT_FALSE(is_restartable({{"io.container.manager", "libpod"}, {remove, "TRUE"}}));
  EXPECT_FALSE(is_restartable({{"io.container.manager", "cri-o"}}));
  EXPECT_FALSE(is_of_podman({{"io.container.manager", "cri-o"}}));
  EXPECT_FALSE(is_restartable({}));
}

TEST(Annotations, TellOfAPodWhatContainerdSaysBeforeWhatCrioDoes) {
  Annotations annotations{{"io.kubernetes.container.name", "main"},
                          {"io.kubernetes.pod.uid", "7"},
                          {"io.kubernetes.pod.namespace", "team"},
                          {"io.kubernetes.cri-o.SandboxID", "abcd"}};
  EXPECT_EQ("main", container_name(annotations));
  EXPECT_EQ("7", pod_uid(annotations));
  EXPECT_EQ("team", pod_namespace(annotations));
  EXPECT_EQ("abcd", sandbox_id(annotations));
  for (const char* name : {"container-name", "sandbox-uid", "sandbox-namespace", "sandbox-id"}) {
    annotations[std::string("io.kubernetes.cri.") + name] = name;
  }
  EXPECT_EQ("container-name", container_name(annotations));
  EXPECT_EQ("sandbox-uid", pod_uid(annotations));
  EXPECT_EQ("sandbox-namespace", pod_namespace(annotations));
  EXPECT_EQ("sandbox-id", sandbox_id(annotations));
  EXPECT_EQ("", pod_uid({{"a", "b"}}));
}

}  // namespace
}  // namespace hookcore::optin
