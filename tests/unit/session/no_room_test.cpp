// Where scratch is to be made, and can't be.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "libhookcore/base/error.h"
#include "libhookcore/session/store.h"
#include "tests/unit/support/sandbox.h"

namespace hookcore::session {
namespace {

TEST(Store, SaysWhatCanNotBeMade) {
  sandbox::run(sandbox::As::kPlain, [](const sandbox::Place& place) {
    ASSERT_EQ(0, ::mkdirat(place.fd, "closed", 0500));
    try {
      Store::open(place.path + "/closed/a/store");
      ADD_FAILURE() << "it was made";
    } catch (const Error& error) {
      EXPECT_EQ(Code::kScratch, error.code());
      EXPECT_EQ(quote(place.path + "/closed/a"), error.where());
      EXPECT_NE(std::string::npos, error.remedy().find("scratch-dir"));
    }
  });
}

}  // namespace
}  // namespace hookcore::session
