#include "libhookcore/changes/apply.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "libhookcore/base/error.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::changes {
namespace {

using sandbox::As;
using sandbox::Place;

class ApplyTest : public ::testing::TestWithParam<As> {};

/// PLACE/upper over PLACE/source, as a session has them.
Subject subject_of(const Place& place) {
  const auto open = [&](const char* name) {
    return sys::UniqueFd(
        ::open((place.path + "/" + name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  };
  Subject subject;
  subject.session = open("session");
  subject.upper = open("upper");
  subject.source = open("source");
  subject.state.origin.path = place.path + "/source";
  subject.state.origin.seconds = INT64_MAX;  // nothing is newer
  subject.layers.upper = subject.upper.get();
  subject.layers.source = subject.source.get();
  return subject;
}

void apply_all(const Place& place) {
  const Subject subject = subject_of(place);
  Journal journal(subject.session.get());
  const auto steps = plan_apply(subject, journal, [](const std::string&) { return true; });
  apply(subject, steps, journal, [](size_t) {});
}

// Directories of the source that are exchanged for a link to somewhere else, at any moment.
TEST_P(ApplyTest, NoLinkLeadsOutOfTheSource) {
  sandbox::run(GetParam(), [](const Place& on_disk) {
    const sandbox::InMemory memory(on_disk);
    const Place& place = memory.place;
    tree::make(place.path,
               {"outside/in/change=precious", "outside/in/gone=precious", "outside/dir/",
                "session/", "source/d/in/change=old", "source/swap->../outside"});
    const auto before = tree::snapshot(place.path + "/outside");
    const std::string swap = place.path + "/source/swap";
    const std::string victim = place.path + "/source/d";
    std::atomic<unsigned> swaps = 0;
    const std::jthread attacker([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        swaps +=
            ::renameat2(AT_FDCWD, swap.c_str(), AT_FDCWD, victim.c_str(), RENAME_EXCHANGE) == 0;
      }
    });
    unsigned done = 0;
    unsigned refused = 0;
    for (int round = 0; round < 300 || done == 0 || refused == 0; ++round) {
      ASSERT_LT(round, 100000) << "done " << done << ", refused " << refused;
      tree::make(place.path, {"upper/d/in/change=" + std::to_string(round), "upper/d/new/file=x"});
      try {
        apply_all(place);
        ++done;
      } catch (const Error&) {
        ++refused;
      }
    }
    EXPECT_GT(swaps, 0U);
    EXPECT_EQ(before, tree::snapshot(place.path + "/outside"));
  });
}

INSTANTIATE_TEST_SUITE_P(As, ApplyTest, ::testing::Values(As::kRoot, As::kUser), sandbox::name_of);

}  // namespace
}  // namespace hookcore::changes
