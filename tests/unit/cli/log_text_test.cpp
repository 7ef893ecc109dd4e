#include "hooks/cli/log_text.h"

#include <gtest/gtest.h>

#include "libhookcore/base/error.h"

namespace hookcore::cli {
namespace {

const std::string kBuild = "t1 oci-cnb-createruntime abc1@n-build error new: build\n";
const std::string kOther = "t2 oci-cnb-createruntime abc2@n-other error new: build\n";
const std::string kPod = "t3 oci-cnb-createruntime abc3@k-dev.web warning x\n";
const std::string kOwn = "t4 oci-cnb-prestart abd4 error y\n";
const std::string kNobody = "t5 oci-cnb-poststop - warning build\n";
const std::string kAll = kBuild + kOther + kPod + kOwn + kNobody;

TEST(LogText, OfASessionByItsName) {
  EXPECT_EQ(kBuild, select_log(kAll, "build"));
  EXPECT_EQ(kBuild, select_log(kAll, "n-build"));
  EXPECT_EQ(kPod, select_log(kAll, "web"));
  EXPECT_EQ("", select_log(kAll, "buil"));
}

TEST(LogText, OfContainersByTheBeginningOfTheirId) {
  EXPECT_EQ(kBuild + kOther + kPod, select_log(kAll, "abc"));
  EXPECT_EQ(kOwn, select_log(kAll, "abd"));
  EXPECT_EQ(kOwn, select_log(kAll, "c-abd4"));
  EXPECT_EQ(kAll, select_log(kAll, ""));
}

TEST(LogText, SeveralSessionsOfOneNameAreNamed) {
  const std::string second = "t6 oci-cnb-createruntime f@k-prod.web warning x\n";
  EXPECT_THROW(select_log(kAll + second, "web"), Error);
  EXPECT_EQ(second, select_log(kAll + second, "prod.web"));
}

TEST(LogText, WhatIsNoLineOfOursIsNobodys) {
  for (const std::string text : {"", "\n", "\n\n", "x", "x y", " ", "x  ", "a b @ c"}) {
    EXPECT_EQ("", select_log(text, "build")) << text;
  }
}

}  // namespace
}  // namespace hookcore::cli
