#include "libhookcore/session/naming.h"

#include <gtest/gtest.h>

#include <optional>

#include "libhookcore/base/error.h"

namespace hookcore::session {
namespace {

const std::vector<std::string> kAll{"c-0123abcd", "c-0199ffff",   "n-build",
                                    "k-dev.web",  "k-prod.web",   "k-dev.a.b",
                                    "p-6f-1",     "preview-7-88", "n-n-build"};

TEST(Naming, PeopleSayWhatTheyKnow) {
  EXPECT_EQ("n-build", pick("build", kAll)) << "the annotation's";
  EXPECT_EQ("p-6f-1", pick("6f-1", kAll)) << "the pod's uid";
  EXPECT_EQ("c-0123abcd", pick("0123abcd", kAll)) << "the container's id";
  EXPECT_EQ("c-0123abcd", pick("012", kAll)) << "and how it begins";
  EXPECT_EQ("c-0123abcd", pick("c-012", kAll)) << "as the list shows it";
  EXPECT_EQ("k-prod.web", pick("prod.web", kAll));
  EXPECT_EQ("k-dev.a.b", pick("a.b", kAll)) << "a name may have a dot";
  EXPECT_EQ("preview-7-88", pick("preview-7-88", kAll));
  for (const std::string& directory : kAll) EXPECT_EQ(directory, pick(directory, kAll));
}

TEST(Naming, NoneIsNone) {
  for (const char* given : {"", "buil", "web.", "b", "99", "6f", "..", "n-", "build/"}) {
    EXPECT_EQ(std::nullopt, pick(given, kAll)) << given;
  }
  for (const char* given : {"c", "c-"}) EXPECT_EQ(std::nullopt, pick(given, {"c-0123"})) << given;
}

TEST(Naming, SeveralAreNamed) {
  try {
    pick("web", kAll);
    FAIL() << "two are called so";
  } catch (const Error& error) {
    EXPECT_EQ(
        "session: this may be several sessions; \"web\"; say which: \"k-dev.web\" or "
        "\"k-prod.web\"",
        error.line());
  }
  EXPECT_THROW(pick("01", kAll), Error);
  EXPECT_THROW(pick("c-0123", {"c-0123abcd", "k-dev.c-0123"}), Error) << "of somebody else";
  EXPECT_THROW(pick("0123", {"c-0123abcd", "n-0123"}), Error);
  EXPECT_EQ("c-0123", pick("0123", {"c-0123abcd", "c-0123"})) << "a whole id";
  EXPECT_EQ("n-build", pick("n-build", kAll)) << "a directory's name says which";
  EXPECT_EQ("n-n-build", pick("n-n-build", kAll));
  EXPECT_EQ("n-n-build", pick("n-build", {"n-n-build"}));
}

TEST(Naming, KindsAreToldByTheDirectory) {
  EXPECT_EQ(Kind::kNamed, kind_of("n-x"));
  EXPECT_EQ(Kind::kNamed, kind_of("k-a.x"));
  EXPECT_EQ(Kind::kPod, kind_of("p-x"));
  EXPECT_EQ(Kind::kContainer, kind_of("c-x"));
  EXPECT_EQ(Kind::kContainer, kind_of("preview-1-2"));
}

}  // namespace
}  // namespace hookcore::session
