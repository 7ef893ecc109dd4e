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
using Objects = std::set<Journal::Object>;

TEST(JournalText, LinesOfFourNumbers) {
  EXPECT_EQ((Keys{{1, 2, 3, 4}, {18446744073709551615U, 0, -5, 999999999}}),
            Journal::parse("1 2 3 4\n18446744073709551615 0 -5 999999999\n").known);
}

TEST(JournalText, WhatIsAnnouncedIsSoUntilItIsKnown) {
  EXPECT_EQ((Journal::Contents{{}, {{1, 2}}}), Journal::parse("1 2\n"));
  EXPECT_EQ((Journal::Contents{{{1, 2, 3, 4}}, {}}), Journal::parse("1 2\n1 2 3 4\n"));
  EXPECT_EQ((Journal::Contents{{{1, 2, 3, 4}}, {{1, 2}}}), Journal::parse("1 2 3 4\n1 2\n"));
}

TEST(JournalText, WhatIsNoWholeLineIsNone) {
  EXPECT_EQ(Journal::Contents{}, Journal::parse(""));
  EXPECT_EQ(Journal::Contents{}, Journal::parse("1 2 3 4")) << "cut off by a kill";
  for (const std::string line :
       {"", "1", "1 2 3", "1 2 3 4 5", "1  2 3 4", " 1 2 3 4", "1 2 3 4 ", "a 2 3 4", "-1 2 3 4",
        "18446744073709551616 2 3 4", "1 2 3 9223372036854775808", "0x1 2 3 4"}) {
    const Journal::Contents read = Journal::parse(line + "\n7 7 7 7\n8 8\n");
    EXPECT_EQ((Keys{{7, 7, 7, 7}}), read.known) << line;
    EXPECT_EQ((Objects{{8, 8}}), read.begun) << line;
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
    {
      Journal journal(place.fd);
      EXPECT_TRUE(journal.knows(status)) << "half a line must not spoil the next";
      journal.begin(status);
    }
    status.st_ctim.tv_nsec = 1;
    {
      Journal journal(place.fd);
      EXPECT_TRUE(journal.knows(status)) << "a kill came before its new time was written down";
      journal.add(status);
    }
    status.st_ctim.tv_nsec = 2;
    EXPECT_FALSE(Journal(place.fd).knows(status)) << "from here on it is somebody else's work";
  });
}

}  // namespace
}  // namespace hookcore::changes
