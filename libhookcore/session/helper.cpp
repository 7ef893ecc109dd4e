#include "libhookcore/session/helper.h"

#include <fcntl.h>
#include <unistd.h>

#include "libhookcore/session/document.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/sys/file.h"

namespace hookcore::session {
namespace {

constexpr size_t kMaxFile = 65536;
/// The kernel tells a helper of its mount's end at once; it has to finish what it is at.
constexpr int kEndMilliseconds = 5000;
constexpr int kKillMilliseconds = 5000;

}  // namespace

std::optional<Helper> read_helper(int session_fd) {
  const auto file =
      sys::try_open_at(session_fd, kHelperFile, O_RDONLY | O_NOFOLLOW, sys::Resolve::kStrict);
  if (!file) return std::nullopt;
  const auto json = parse_document(sys::read_all(file->get(), kMaxFile, kHelperFile));
  if (!json) return std::nullopt;
  try {
    return Helper{json->at("pid"), json->at("start"), json->at("boot"), json->at("failure")};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

void write_helper(int session_fd, const Helper& helper) {
  const nlohmann::ordered_json json{{"pid", helper.pid},
                                    {"start", helper.start_time},
                                    {"boot", helper.boot_id},
                                    {"failure", helper.failure}};
  const std::string text =
      json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  sys::replace_file(session_fd, kHelperFile, text, 0600, sys::Durability::kCrash);
}

void forget_helper(int session_fd) { ::unlinkat(session_fd, kHelperFile, 0); }

bool is_running(const sys::Proc& proc, const Helper& helper) {
  return helper.boot_id == proc.boot_id() && proc.start_time(helper.pid) == helper.start_time;
}

std::string helper_failure(const sys::Proc& proc, int session_fd) {
  const auto helper = read_helper(session_fd);
  if (!helper) return {};
  if (!helper->failure.empty()) return helper->failure;
  return is_running(proc, *helper) ? "" : "its helper was killed";
}

std::string end_helper(const sys::Proc& proc, const SessionState& state, int session_fd) {
  if (state.way != Way::kFuse) return {};
  const auto helper = read_helper(session_fd);
  if (!helper) return {};
  std::string report = helper->failure.empty() ? "" : "the workspace had ended: " + helper->failure;
  const sys::RunningProcess process(proc, helper->pid);
  // Judged once the descriptor is there: the number may have become another's.
  if (process && is_running(proc, *helper)) {
    if (!process.await(kEndMilliseconds)) {
      process.kill(kKillMilliseconds);
      report = "the helper of the workspace didn't end with its mount, and was ended";
    }
  } else if (report.empty() && read_helper(session_fd)) {
    report = "the helper of the workspace was killed";
  }
  forget_helper(session_fd);
  return report;
}

}  // namespace hookcore::session
