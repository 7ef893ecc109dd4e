#include "libhookcore/report/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <regex>
#include <sstream>
#include <thread>

#include "libhookcore/sys/file.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::report {
namespace {

using sandbox::As;
using sandbox::Place;

Log::Opener opener(const Place& place) {
  return [fd = place.fd] { return sys::reopen_directory(fd); };
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) out.push_back(line);
  return out;
}

std::vector<std::string> log_lines(const Place& place) {
  return lines(tree::read(place.path + "/" + kLogFile));
}

/// stderr goes to a file from here on.
void capture_stderr(const Place& place) {
  const int fd = ::open((place.path + "/stderr").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0 || ::dup2(fd, STDERR_FILENO) < 0) throw std::runtime_error("stderr");
}

TEST(Log, AFailureIsOneLineInTheFileAndOnStderr) {
  sandbox::run(As::kPlain, [](const Place& place) {
    capture_stderr(place);
    Log log("oci-cnb-test", opener(place));
    log.set_container("0123abc");
    log.failure(Error(Code::kSource, "what\nwith a\tsecond\x1b[31m line\x7f", "wh\nere", "do\rit"));
    const auto written = log_lines(place);
    ASSERT_EQ(1U, written.size());
    EXPECT_TRUE(std::regex_match(
        written[0],
        std::regex(
            R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z oci-cnb-test 0123abc error source: .*)")))
        << written[0];
    EXPECT_EQ("oci-cnb-test: source: what with a second [31m line ; wh ere; do it\n",
              tree::read(place.path + "/stderr"));
  });
}

TEST(Log, AHostileContainerIdIsOneWord) {
  sandbox::run(As::kPlain, [](const Place& place) {
    Log log("p", opener(place));
    log.set_container("id\n2026-01-01T00:00:00.000Z p other error forged\x7f");
    log.info("text");
    const auto written = log_lines(place);
    ASSERT_EQ(1U, written.size());
    EXPECT_TRUE(std::regex_match(written[0], std::regex(R"(\S+ p id_\S+ info text)")))
        << written[0];
  });
}

TEST(Log, LevelsAndDebug) {
  sandbox::run(As::kPlain, [](const Place& place) {
    capture_stderr(place);
    Log log("p", opener(place));
    log.debug("unseen");
    EXPECT_FALSE(tree::exists(place.path + "/" + kLogFile)) << "nothing to say, nothing opened";
    log.set_debug(true);
    log.debug("seen");
    log.warning("careful");
    log.info("by the way");
    const auto written = log_lines(place);
    ASSERT_EQ(3U, written.size());
    EXPECT_TRUE(written[0].ends_with(" p - debug seen"));
    EXPECT_TRUE(written[1].ends_with(" p - warning careful"));
    EXPECT_TRUE(written[2].ends_with(" p - info by the way"));
    EXPECT_EQ("p: warning: careful\n", tree::read(place.path + "/stderr"));
  });
}

TEST(Log, IsForItsOwnerOnlyAndFollowsNoLink) {
  sandbox::run(As::kPlain, [](const Place& place) {
    {
      Log log("p", opener(place));
      log.info("x");
    }
    EXPECT_EQ(mode_t{0600}, sys::stat_at(place.fd, kLogFile)->st_mode & 07777);
    tree::make(place.path, {"victim=precious", std::string("dir/") + kLogFile + "->../victim"});
    Log log("p", [&] {
      return sys::open_at(place.fd, "dir", O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
    });
    log.info("must not be written there");
    EXPECT_EQ("precious", tree::read(place.path + "/victim"));
  });
}

TEST(Log, RotatesAtOneMebibyteAndKeepsOneOld) {
  sandbox::run(As::kPlain, [](const Place& place) {
    const std::string path = place.path + "/" + kLogFile;
    tree::write(path, std::string((1 << 20) + 1, 'a'));
    tree::write(path + ".1", "older still");
    {
      Log log("p", opener(place));
      log.info("fresh");
    }
    EXPECT_EQ(1U, log_lines(place).size());
    EXPECT_EQ((1U << 20) + 1, tree::read(path + ".1").size());
    {
      Log log("p", opener(place));
      log.info("not yet again");
    }
    EXPECT_EQ(2U, log_lines(place).size());
  });
}

TEST(Log, LinesOfManyWritersDoNotMix) {
  sandbox::run(As::kPlain, [](const Place& place) {
    {
      std::vector<std::jthread> writers;
      for (char c = 'a'; c < 'e'; ++c) {
        writers.emplace_back([&place, c] {
          Log log("p", opener(place));
          for (int i = 0; i < 200; ++i) log.info(std::string(300, c));
        });
      }
    }
    const auto written = log_lines(place);
    EXPECT_EQ(800U, written.size());
    for (const std::string& line : written) {
      const std::string text = line.substr(line.rfind(' ') + 1);
      ASSERT_EQ(std::string(300, text.at(0)), text);
    }
  });
}

// The kernel may take a part of a line, as for a writer that is interrupted.
TEST(Log, ALineIsWrittenToItsEnd) {
  sandbox::run(As::kPlain, [](const Place& place) {
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {};  // without SA_RESTART
    ASSERT_EQ(0, ::sigaction(SIGUSR1, &nothing, nullptr));
    const std::string pipe = place.path + "/" + kLogFile;
    ASSERT_EQ(0, ::mkfifo(pipe.c_str(), 0600));
    const sys::UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    const std::string text(size_t{1} << 20, 'x');
    std::string read;
    std::thread writer([&] { Log("p", opener(place)).info(text); });
    // Once the pipe is full its writer waits: what it is told then is how much went in.
    const int room = ::fcntl(reader.get(), F_GETPIPE_SZ);
    for (int there = 0; there < room;) ASSERT_EQ(0, ::ioctl(reader.get(), FIONREAD, &there));
    ::pthread_kill(writer.native_handle(), SIGUSR1);
    std::array<char, 4096> part{};
    struct pollfd ready = {reader.get(), POLLIN, 0};
    while (::poll(&ready, 1, 60000) > 0) {
      const ssize_t size = ::read(reader.get(), part.data(), part.size());
      if (size == 0) break;
      if (size > 0) read.append(part.data(), static_cast<size_t>(size));
    }
    writer.join();
    EXPECT_TRUE(read.ends_with(" p - info " + text + "\n")) << read.size();
  });
}

TEST(Log, NeverFailsItsCaller) {
  sandbox::run(As::kPlain, [](const Place& place) {
    capture_stderr(place);
    Log refused("p", []() -> sys::UniqueFd { throw Error(Code::kSession, "not ours"); });
    refused.warning("one");
    Log none("p", [] { return sys::UniqueFd(); });
    none.warning("two");
    ASSERT_EQ(0, ::mkdirat(place.fd, kLogFile, 0700));
    Log directory("p", opener(place));
    directory.warning("three");
    EXPECT_EQ("p: warning: one\np: warning: two\np: warning: three\n",
              tree::read(place.path + "/stderr"));
  });
}

TEST(Log, TellsNothingOfTheEnvironment) {
  sandbox::run(As::kPlain, [](const Place& place) {
    ::setenv("SECRET", "s3cr3t", 1);
    ::setenv("TZ", "Pacific/Kiritimati", 1);
    Log log("p", opener(place));
    log.info("x");
    const std::string text = tree::read(place.path + "/" + kLogFile);
    EXPECT_EQ(std::string::npos, text.find("s3cr3t"));
    const std::string now = [] {
      const time_t seconds = ::time(nullptr);
      struct tm utc {};
      ::gmtime_r(&seconds, &utc);
      char day[20];
      return std::string(day, ::strftime(day, sizeof day, "%Y-%m-%dT%H", &utc));
    }();
    EXPECT_TRUE(text.starts_with(now)) << "UTC whatever TZ says: " << text;
  });
}

}  // namespace
}  // namespace hookcore::report
