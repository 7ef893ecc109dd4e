#include "libhookcore/changes/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "libhookcore/base/error.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::changes {
namespace {

using Keys = std::set<Journal::Key>;

TEST(JournalText, LinesOfFourNumbers) {
  EXPECT_EQ((Keys{{1, 2, 3, 4}, {18446744073709551615U, 0, -5, 999999999}}),
            Journal::parse("1 2 3 4\n18446744073709551615 0 -5 999999999\n"));
}

TEST(JournalText, WhatIsNoWholeLineIsNone) {
  EXPECT_EQ(Keys{}, Journal::parse(""));
  EXPECT_EQ(Keys{}, Journal::parse("1 2 3 4")) << "cut off by a kill";
  for (const std::string line :
       {"", "1", "1 2 3", "1 2 3 4 5", "1  2 3 4", " 1 2 3 4", "1 2 3 4 ", "a 2 3 4", "-1 2 3 4",
        "18446744073709551616 2 3 4", "1 2 3 9223372036854775808", "0x1 2 3 4"}) {
    EXPECT_EQ((Keys{{7, 7, 7, 7}}), Journal::parse(line + "\n7 7 7 7\n")) << line;
  }
}

TEST(JournalFile, KnowsWhatARunBeforeHasAdded) {
  sandbox::run(sandbox::As::kPlain, [](const sandbox::Place& place) {
    struct ::stat status {};
    status.st_ino = 5;
    status.st_ctim = {6, 7};
    {
      Journal journal(place.fd);
      EXPECT_FALSE(journal.knows(status));
      journal.add(status);
      EXPECT_THROW(Journal(place.fd), Error) << "one at a time";
    }
    EXPECT_EQ("0 5 6 7\n", tree::read(place.path + "/applied"));
    // A run that was killed in the middle of a line.
    tree::write(place.path + "/applied", "0 5 6 7\n0 5 6");
    {
      Journal journal(place.fd);
      EXPECT_TRUE(journal.knows(status));
      ++status.st_ctim.tv_nsec;
      EXPECT_FALSE(journal.knows(status)) << "it was changed since";
      journal.add(status);
    }
    const Journal journal(place.fd);
    EXPECT_TRUE(journal.knows(status)) << "half a line must not spoil the next";
  });
}

}  // namespace
}  // namespace hookcore::changes
