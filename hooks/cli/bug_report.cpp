#include "hooks/cli/bug_report.h"

#include <sys/utsname.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "hooks/cli/config_commands.h"
#include "hooks/cli/log_text.h"
#include "hooks/cli/session_commands.h"
#include "libhookcore/base/error.h"
#include "libhookcore/base/text.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/node/host.h"

namespace hookcore::cli {
namespace {

constexpr size_t kLogLines = 100;

Json kernel() {
  utsname names{};
  if (::uname(&names) != 0) throw SystemError("uname", "", errno);
  return std::string(names.sysname) + " " + names.release + " " + names.machine;
}

Json distribution() {
  constexpr std::string_view kKey = "\nPRETTY_NAME=";
  const std::string text = "\n" + node::Host("/").read("/etc/os-release").value_or("");
  const size_t key = text.find(kKey);
  if (key == text.npos) return nullptr;
  std::string value = text.substr(key + kKey.size());
  value.resize(std::min(value.find('\n'), value.size()));
  std::erase(value, '"');
  return value;
}

Json end_of_log() {
  const auto store = session::Store::open_existing(hook::Home::find().store_root);
  const std::string log = store ? read_log(*store) : std::string();
  Json lines = Json::array();
  for (std::string_view rest = log; !rest.empty() && lines.size() < kLogLines;) {
    lines.push_back(std::string(take_last_line(rest)));
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

Json part(Json (*make)()) {
  try {
    return make();
  } catch (const Error& error) {
    return {{"error", error.line()}};
  }
}

}  // namespace

Json bug_report(Json findings) {
  findings["kernel"] = part(kernel);
  findings["distribution"] = part(distribution);
  findings["settings"] = part(settings_json);
  findings["sessions"] = part(sessions_json);
  findings["log"] = part(end_of_log);
  return findings;
}

}  // namespace hookcore::cli
