#include "libhookcore/session/helper.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "libhookcore/sys/file.h"
#include "libhookcore/sys/process.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::session {
namespace {

using sandbox::As;
using sandbox::Place;

/// A process that does nothing but live.
class Idle {
 public:
  Idle() : pid_(::fork()) {
    if (pid_ == 0) {
      while (true) ::pause();
    }
  }
  ~Idle() { end(); }
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;

  pid_t pid() const { return pid_; }
  // Whether a signal had ended it before.
  bool end() {
    if (pid_ == 0) return false;
    int status = 0;
    const bool ended = ::waitpid(pid_, &status, WNOHANG) == pid_;
    if (!ended) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
    }
    pid_ = 0;
    return ended;
  }

 private:
  pid_t pid_;
};

Helper helper_of(const sys::Proc& proc, pid_t pid) {
  return {pid, proc.start_time(pid).value_or(0), proc.boot_id(), ""};
}

SessionState fuse_state() {
  SessionState state;
  state.way = Way::kFuse;
  return state;
}

class HelperTest : public testing::TestWithParam<As> {};

TEST_P(HelperTest, IsReadAsItWasWritten) {
  sandbox::run(GetParam(), [](const Place& place) {
    EXPECT_EQ(std::nullopt, read_helper(place.fd));
    const Helper helper{4711, 1234567890123, "a boot", "fuse-overlayfs: \"quoted\"\n"};
    write_helper(place.fd, helper);
    EXPECT_EQ(helper, read_helper(place.fd));
    const auto status = sys::stat_at(place.fd, "helper.json");
    ASSERT_TRUE(status);
    EXPECT_EQ(mode_t{0600}, status->st_mode & 07777);
    forget_helper(place.fd);
    EXPECT_EQ(std::nullopt, read_helper(place.fd));
  });
}

// As a power cut may leave it.
TEST_P(HelperTest, WhatNobodyCanReadIsNone) {
  sandbox::run(GetParam(), [](const Place& place) {
    const std::string whole = R"({"pid":1,"start":2,"boot":"b","failure":""})";
    for (const std::string& text :
         {std::string(), whole.substr(0, whole.size() - 1), std::string(whole.size(), '\0'),
          std::string("[]"), std::string(R"({"pid":1,"start":2,"boot":"b"})"),
          std::string(R"({"pid":"1","start":2,"boot":"b","failure":""})"),
          std::string(R"({"pid":1.5,"start":2,"boot":"b","failure":""})")}) {
      tree::write(place.path + "/helper.json", text);
      EXPECT_EQ(std::nullopt, read_helper(place.fd)) << text;
    }
    tree::write(place.path + "/helper.json", whole);
    EXPECT_TRUE(read_helper(place.fd));
  });
}

TEST_P(HelperTest, RunsOnlyAsTheSameProcess) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Idle idle;
    const Helper helper = helper_of(proc, idle.pid());
    EXPECT_TRUE(is_running(proc, helper));
    Helper other = helper;
    ++other.start_time;
    EXPECT_FALSE(is_running(proc, other));
    other = helper;
    other.boot_id = "another";
    EXPECT_FALSE(is_running(proc, other));
    write_helper(place.fd, helper);
    EXPECT_EQ("", helper_failure(proc, place.fd));
    idle.end();
    EXPECT_FALSE(is_running(proc, helper));
    EXPECT_EQ("its helper was killed", helper_failure(proc, place.fd));
    other.failure = "it said so";
    write_helper(place.fd, other);
    EXPECT_EQ("it said so", helper_failure(proc, place.fd));
  });
}

TEST_P(HelperTest, OneThatIsGoneIsReportedOnce) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Idle idle;
    Helper helper = helper_of(proc, idle.pid());
    idle.end();
    write_helper(place.fd, helper);
    EXPECT_EQ("the helper of the workspace was killed", end_helper(proc, fuse_state(), place.fd));
    EXPECT_EQ("", end_helper(proc, fuse_state(), place.fd));
    helper.failure = "it was full";
    write_helper(place.fd, helper);
    EXPECT_EQ("the workspace had ended: it was full", end_helper(proc, fuse_state(), place.fd));
    EXPECT_EQ(std::nullopt, read_helper(place.fd));
  });
}

// The number may be another's by now, and a session of another way has none.
TEST_P(HelperTest, NobodyElseIsEnded) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Idle idle;
    Helper helper = helper_of(proc, idle.pid());
    write_helper(place.fd, helper);
    EXPECT_EQ("", end_helper(proc, SessionState{}, place.fd));
    ++helper.start_time;
    write_helper(place.fd, helper);
    EXPECT_EQ("the helper of the workspace was killed", end_helper(proc, fuse_state(), place.fd));
    EXPECT_FALSE(idle.end());
  });
}

TEST_P(HelperTest, OneThatDoesNotEndIsEnded) {
  sandbox::run(GetParam(), [](const Place& place) {
    const sys::Proc proc = sys::Proc::open();
    Idle idle;
    write_helper(place.fd, helper_of(proc, idle.pid()));
    EXPECT_EQ("the helper of the workspace didn't end with its mount, and was ended",
              end_helper(proc, fuse_state(), place.fd));
    EXPECT_TRUE(idle.end());
    EXPECT_EQ(std::nullopt, read_helper(place.fd));
  });
}

INSTANTIATE_TEST_SUITE_P(As, HelperTest, testing::Values(As::kRoot, As::kUser), sandbox::name_of);

}  // namespace
}  // namespace hookcore::session
