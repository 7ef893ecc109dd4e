// project.toml: rules, none of ours in it, or an Error of one line that names the file. What came
// of it is compiled and asked about paths.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/matcher.h"
#include "libhookcore/ignore/program.h"
#include "libhookcore/ignore/rules.h"

namespace {

using namespace hookcore;
using namespace hookcore::ignore;

constexpr size_t kMaxInput = 4096;
constexpr size_t kTableBytes = size_t{32} << 10;

/// A table that is full at once and one that isn't must not differ.
void ask(const RuleSet& rules) {
  const Program& program = rules.program();
  const Matcher some(program.automaton, program.patterns(), kTableBytes);
  const Matcher none(program.automaton, program.patterns(), 0);
  Matcher::Scratch scratch;
  for (const char* name : {"a", "node_modules", ".git", "\xff", "a b.c", "*"}) {
    const bool with_table = some.accepted(some.run(some.start(), name, scratch)) != nullptr;
    const bool without = none.accepted(none.run(none.start(), name, scratch)) != nullptr;
    if (with_table != without) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxInput) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    if (const auto rules = parse_project_toml(text, "project.toml")) ask(*rules);
  } catch (const Error& error) {
    if (error.code() != Code::kIgnoreFile) std::abort();
    if (error.line().find("project.toml") == std::string::npos) std::abort();
    if (error.line().find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
