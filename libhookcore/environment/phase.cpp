#include "libhookcore/environment/phase.h"

#include <span>

#include "libhookcore/base/path.h"

namespace hookcore::environment {

namespace {

struct Phase {
  std::string_view program;
  std::string_view command;  ///< of the program `lifecycle`
};

constexpr std::string_view kCreator = "creator";
constexpr Phase kPhases[] = {
    {"analyzer", "analyze"}, {"detector", "detect"}, {"restorer", "restore"},
    {"extender", "extend"},  {"builder", "build"},   {"exporter", "export"},
    {kCreator, "create"},
};

// `podman run --init` and `docker run --init` make the process INIT -- COMMAND...
std::span<const std::string> without_init(std::span<const std::string> args) {
  return args.size() > 2 && args[1] == "--" ? args.subspan(2) : args;
}

}  // namespace

std::string_view lifecycle_phase(const std::vector<std::string>& args) {
  const auto words = without_init(args);
  if (words.empty()) return {};
  const std::string program = base_name(words[0]);
  const std::string command =
      program == "lifecycle" && words.size() > 1 ? base_name(words[1]) : std::string();
  for (const Phase& phase : kPhases) {
    if (program == phase.program || command == phase.command) return phase.program;
  }
  return {};
}

bool is_part_of_build(std::string_view phase) { return !phase.empty() && phase != kCreator; }

}  // namespace hookcore::environment
