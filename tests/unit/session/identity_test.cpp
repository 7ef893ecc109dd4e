#include "libhookcore/session/identity.h"

#include <gtest/gtest.h>

#include <vector>

#include "libhookcore/base/error.h"

namespace hookcore::session {
namespace {

using Annotations = std::map<std::string, std::string, std::less<>>;

Identity identity(const std::optional<std::string>& asked, const Annotations& annotations) {
  const std::string container = "0123";
  const std::string bundle = "/run/task/k8s.io/0123";
  return identify({container, bundle, asked, annotations});
}

TEST(Identity, OfAContainerThatAsksForNothing) {
  EXPECT_EQ("c-0123", identity(std::nullopt, {}).directory);
  EXPECT_EQ(Kind::kContainer, identity(std::nullopt, {}).kind);
}

TEST(Identity, ANameNeverMeetsAContainersId) {
  EXPECT_EQ("n-c-0123", identity("c-0123", {}).directory);
  EXPECT_EQ(Kind::kNamed, identity("build", {}).kind);
}

TEST(Identity, APodsContainersShareAndItsSandboxIsKnown) {
  const Identity pod = identity(std::nullopt, {{"io.kubernetes.cri.sandbox-uid", "6f-1"},
                                               {"io.kubernetes.cri.sandbox-id", "abcd"}});
  EXPECT_EQ(Kind::kPod, pod.kind);
  EXPECT_EQ("p-6f-1", pod.directory);
  EXPECT_EQ("/run/task/k8s.io/abcd", pod.pod_bundle);
  EXPECT_EQ("p-7", identity(std::nullopt, {{"io.kubernetes.pod.uid", "7"}}).directory);
}

TEST(Identity, NamespacesOfKubernetesDoNotMeet) {
  const Annotations pod{{"io.kubernetes.cri.sandbox-uid", "6f-1"},
                        {"io.kubernetes.cri.sandbox-namespace", "team"}};
  EXPECT_EQ("k-team.build", identity("build", pod).directory);
  EXPECT_THROW(identity("build", {{"io.kubernetes.pod.uid", "7"}}), Error);
}

TEST(Identity, WhatIsNoFileNameIsRefused) {
  for (const std::string& bad :
       std::vector<std::string>{"../x", "a/b", "a b", std::string(65, 'a')}) {
    EXPECT_THROW(identity(std::nullopt, {{"io.kubernetes.pod.uid", bad}}), Error) << bad;
  }
}

}  // namespace
}  // namespace hookcore::session
