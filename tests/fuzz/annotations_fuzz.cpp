// Annotations, one `key=value` a line: a request that keeps its promises, or an Error.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/optin/request.h"

namespace {

void check(const hookcore::optin::Request& request) {
  const std::string& path = request.workspace_path;
  const bool good =
      path.size() > 1 && path == hookcore::normalise_path(path) &&
      !hookcore::has_control_bytes(path) && !hookcore::is_within(path, "/proc") &&
      !hookcore::is_within(path, "/sys") && !hookcore::is_within(path, "/dev") &&
      (!request.ignore_file || (!hookcore::has_parent_component(*request.ignore_file) &&
                                !request.ignore_file->starts_with('/'))) &&
      (!request.session || request.session->find('/') == std::string::npos) &&
      (!request.platform_api || hookcore::optin::is_platform_api(*request.platform_api));
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  hookcore::optin::Annotations annotations;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t equals = line.find('=');
    if (equals == line.npos) continue;
    // \r stands for a line break, so that one can be part of a value.
    std::string value(line.substr(equals + 1));
    for (char& c : value) c = c == '\r' ? '\n' : c;
    annotations.emplace(std::string(hookcore::optin::kPrefix) + std::string(line.substr(0, equals)),
                        value);
  }
  try {
    if (const auto request = hookcore::optin::parse_request(annotations)) check(*request);
  } catch (const hookcore::Error& error) {
    if (error.line().find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
