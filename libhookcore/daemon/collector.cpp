#include "libhookcore/daemon/collector.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::daemon {
namespace {

std::string encode(const session::CollectResult& result) {
  const nlohmann::json json{{"removed", result.removed},
                            {"kept", result.kept},
                            {"awaited", result.awaited},
                            {"problems", result.problems},
                            {"reports", result.reports}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

session::CollectResult decode(const std::string& text) {
  session::CollectResult result;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    result.problems.emplace_back("the collecting process ended early");
    return result;
  }
  result.removed = json.at("removed");
  result.kept = json.at("kept");
  result.awaited = json.at("awaited");
  result.problems = json.at("problems").get<std::vector<std::string>>();
  result.reports = json.at("reports").get<std::vector<std::string>>();
  return result;
}

session::CollectResult run(const Collector::Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    session::CollectResult result;
    result.problems.push_back(error.line());
    return result;
  }
}

void collect_in_child(const Collector::Work& work, int pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    sys::write_all(pipe, encode(run(work)), "pipe");
  } catch (const std::exception&) {
    ::_exit(1);  // the parent sees an answer that isn't whole
  }
  ::_exit(0);
}

}  // namespace

Collector::~Collector() {
  if (child_ < 0) return;
  // What it was about to remove lies in trash, for the next run.
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

void Collector::request() {
  if (child_ >= 0) {
    again_ = true;
  } else {
    start();
  }
}

void Collector::start() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw SystemError("pipe2", "", errno);
  sys::UniqueFd reading(ends[0]);
  const sys::UniqueFd writing(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) throw SystemError("fork", "", errno);
  if (child == 0) collect_in_child(work_, writing.get());
  child_ = child;
  pipe_ = std::move(reading);
  output_.clear();
  again_ = false;
}

std::optional<session::CollectResult> Collector::step() {
  std::array<char, 4096> bytes{};
  const ssize_t count = ::read(pipe_.get(), bytes.data(), bytes.size());
  if (count < 0 && errno == EINTR) return std::nullopt;
  if (count > 0) {
    output_.append(bytes.data(), static_cast<size_t>(count));
    return std::nullopt;
  }
  pipe_.reset();
  ::waitpid(child_, nullptr, 0);
  child_ = -1;
  session::CollectResult result = decode(output_);
  if (again_) start();
  return result;
}

}  // namespace hookcore::daemon
