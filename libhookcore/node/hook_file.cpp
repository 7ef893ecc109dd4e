#include "libhookcore/node/hook_file.h"

#include <nlohmann/json.hpp>

namespace hookcore::node {

std::string hook_file(std::string_view directory, std::string_view program,
                      std::string_view stage) {
  using Json = nlohmann::ordered_json;
  const Json document = {{"version", "1.0.0"},
                         {"hook",
                          {{"path", std::string(directory) + "/" + std::string(program)},
                           {"args", {program}},
                           {"env", {"PATH=/usr/bin:/bin"}},
                           {"timeout", 120}}},
                         {"when", {{"annotations", {{R"(^io\.cnb\.hooks\..*$)", "(?s)^.*$"}}}}},
                         {"stages", {stage}}};
  return document.dump(2) + "\n";
}

}  // namespace hookcore::node
