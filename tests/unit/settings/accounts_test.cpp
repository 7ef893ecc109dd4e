#include "libhookcore/settings/accounts.h"

#include <gtest/gtest.h>

namespace hookcore::settings {
namespace {

TEST(Accounts, AreReadFromPasswd) {
  const std::string passwd =
      "root:x:0:0:root:/root:/bin/bash\n+nis\n#dev:x:1:\nbad:x:10x:0::/bad:\n"
      "dev:x:1000:1000:Dev,,,:/home/dev:/bin/sh\nrel:x:1001:1:::\nlast:x:1002:1::/home/last";
  EXPECT_EQ("/root", home_directory(passwd, 0));
  EXPECT_EQ("/home/dev", home_directory(passwd, 1000));
  EXPECT_EQ("/home/last", home_directory(passwd, 1002));
  EXPECT_EQ("", home_directory(passwd, 1001));
  EXPECT_EQ("", home_directory(passwd, 10));
  EXPECT_EQ("", home_directory("", 0));
  EXPECT_EQ("dev", user_name(passwd, 1000));
  EXPECT_EQ("rel", user_name(passwd, 1001)) << "a user without a home has a name";
  EXPECT_EQ("", user_name(passwd, 10));
}

TEST(Accounts, AreGrantedIdsByNameAndByNumber) {
  const std::string text =
      "ann:100000:65536\nbob:200000:65536\n1000:300000:10\n\nann:x:1\nann:1\n:7:7\n"
      "ann:4294967296:1\nann:400000:1";
  const IdRanges by_both{{100000, 65536}, {300000, 10}, {400000, 1}};
  EXPECT_EQ(by_both, granted_ids(text, "ann", 1000));
  EXPECT_EQ((IdRanges{{200000, 65536}}), granted_ids(text, "bob", 1001));
  EXPECT_EQ((IdRanges{{300000, 10}}), granted_ids(text, "", 1000)) << "nobody is called nothing";
  EXPECT_TRUE(granted_ids("", "ann", 1000).empty());
}

}  // namespace
}  // namespace hookcore::settings
