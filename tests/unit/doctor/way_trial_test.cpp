// The ways, tried for real: as the machine's root, and as a plain user.
#include "libhookcore/doctor/way_trial.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::doctor {
namespace {

/// A source and a scratch in a sandbox.
class Trial {
 public:
  explicit Trial(const sandbox::Place& place) : root_(place.path) {
    tree::make(root_, {"source/.dockerignore=hidden\n", "source/hidden=0123456789",
                       "source/a=12345", "source/sub/b=1234", "scratch/"});
    question_.source = root_ + "/source";
    question_.scratch = root_ + "/scratch";
    question_.programs = "/nowhere";
    question_.rootful = place.as == sandbox::As::kRoot;
    before_ = tree::snapshot(question_.source);
  }

  /// The answer; whatever it is, nothing is left and the source as it was.
  WayAnswer ask() const {
    const WayAnswer answer = try_ways(question_);
    EXPECT_EQ(std::vector<std::string>{}, tree::names(root_ + "/scratch"));
    EXPECT_EQ(before_, tree::snapshot(question_.source));
    return answer;
  }

  std::string root_;
  WayQuestion question_;
  std::map<std::string, std::string> before_;
};

// kUser: who has a user namespace may make another one.
class WayTrial : public testing::TestWithParam<sandbox::As> {};
INSTANTIATE_TEST_SUITE_P(As, WayTrial,
                         testing::Values(sandbox::As::kRoot, sandbox::As::kUser,
                                         sandbox::As::kPlain),
                         sandbox::name_of);

TEST_P(WayTrial, TheKernelsOverlayComesFirst) {
  sandbox::run(GetParam(), [](const sandbox::Place& place) {
    const WayAnswer answer = Trial(place).ask();
    EXPECT_EQ("", answer.problem);
    EXPECT_EQ(Way::kOverlay, answer.way) << describe(answer.refusals);
    EXPECT_TRUE(answer.refusals.empty());
  });
}

TEST_P(WayTrial, WhatACopyTakesIsCountedWithoutWhatIsHidden) {
  sandbox::run(GetParam(), [](const sandbox::Place& place) {
    Trial trial(place);
    trial.question_.policy.only = Way::kCopy;
    const WayAnswer answer = trial.ask();
    EXPECT_EQ(Way::kCopy, answer.way) << answer.problem;
    EXPECT_EQ(5U + 4U + 7U, answer.bytes);
    trial.question_.policy.copy_limit_bytes = 15;
    EXPECT_EQ(std::nullopt, trial.ask().way);
    EXPECT_NE(std::string::npos, trial.ask().refusals.back().remedy.find("copy-limit"));
  });
}

TEST_P(WayTrial, NoCopyLiesInMemory) {
  sandbox::run(GetParam(), [](const sandbox::Place& place) {
    Trial trial(place);
    trial.question_.tmpfs = true;
    EXPECT_EQ(Way::kOverlay, trial.ask().way);
    trial.question_.policy.only = Way::kCopy;
    const WayAnswer answer = trial.ask();
    EXPECT_EQ(std::nullopt, answer.way);
    EXPECT_EQ("a copy lies on disk, not in memory", answer.refusals.back().reason);
  });
}

TEST_P(WayTrial, ScratchInsideTheSourceIsRefusedWhicheverWay) {
  sandbox::run(GetParam(), [](const sandbox::Place& place) {
    Trial trial(place);
    trial.question_.scratch = trial.question_.source + "/sub";
    for (const auto& only : {std::optional<Way>(), std::optional(Way::kCopy)}) {
      trial.question_.policy.only = only;
      const WayAnswer answer = try_ways(trial.question_);
      EXPECT_EQ(std::nullopt, answer.way);
      EXPECT_EQ("the scratch directory lies inside the source", answer.problem);
      EXPECT_NE("", answer.remedy);
    }
    EXPECT_EQ(std::vector<std::string>{"b"}, tree::names(trial.question_.scratch));
  });
}

TEST_P(WayTrial, AnIgnoreFileThatCanNotBeReadIsNamed) {
  sandbox::run(GetParam(), [](const sandbox::Place& place) {
    Trial trial(place);
    tree::write(trial.question_.source + "/.dockerignore", "[a\n");
    const WayAnswer answer = try_ways(trial.question_);
    EXPECT_EQ(std::nullopt, answer.way);
    EXPECT_NE(std::string::npos, answer.problem.find("; \".dockerignore\":1")) << answer.problem;
  });
}

TEST_P(WayTrial, ScratchThatIsNotThereIsNamed) {
  sandbox::run(GetParam(), [](const sandbox::Place& place) {
    Trial trial(place);
    trial.question_.scratch = trial.root_ + "/none";
    EXPECT_NE(std::string::npos, try_ways(trial.question_).problem.find("none"));
  });
}

TEST_P(WayTrial, WhatAKilledOneHasLeftGoes) {
  sandbox::run(GetParam(), [](const sandbox::Place& place) {
    const Trial trial(place);
    tree::make(trial.root_, {"scratch/doctor.1/room/work/", "scratch/doctor.1/room/upper/x=y"});
    EXPECT_EQ(Way::kOverlay, trial.ask().way);
  });
}

// Who may mount.
class WayTrialOfMounts : public testing::TestWithParam<sandbox::As> {};
INSTANTIATE_TEST_SUITE_P(As, WayTrialOfMounts,
                         testing::Values(sandbox::As::kRoot, sandbox::As::kUser), sandbox::name_of);

TEST_P(WayTrialOfMounts, AReadOnlySourceNeedsNoUpper) {
  sandbox::run(GetParam(), [](const sandbox::Place& place) {
    Trial trial(place);
    const char* source = trial.question_.source.c_str();
    ASSERT_EQ(0, ::mount(source, source, nullptr, MS_BIND, nullptr));
    ASSERT_EQ(0, ::mount(nullptr, source, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr));
    trial.question_.scratch = "/proc";
    const WayAnswer refused = try_ways(trial.question_);
    EXPECT_EQ(std::nullopt, refused.way) << "there could be no store";
    trial.question_.scratch = trial.root_ + "/scratch";
    const WayAnswer answer = try_ways(trial.question_);
    EXPECT_EQ(Way::kOverlay, answer.way) << answer.problem;
    EXPECT_TRUE(answer.read_only);
  });
}

}  // namespace
}  // namespace hookcore::doctor
