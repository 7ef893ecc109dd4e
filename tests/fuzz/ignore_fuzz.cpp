// Differential fuzzing of the pattern compiler and the automaton: input is an ignore file, a line
// "---", and paths, one a line. The engine and the reference must refuse the same files and match
// the same patterns against the same paths. Aborts on a difference.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/matcher.h"
#include "libhookcore/ignore/program.h"
#include "libhookcore/ignore/rules.h"
#include "tests/unit/ignore/reference.h"

namespace {

using namespace hookcore;
using namespace hookcore::ignore;

constexpr size_t kMaxInput = 2048;                // the reference is slow
constexpr size_t kTableBytes = size_t{32} << 10;  // soon full, and quick to clear

[[noreturn]] void differ(const std::string& what, std::string_view file, std::string_view path) {
  std::fprintf(stderr, "%s: rules %s, path %s\n", what.c_str(), quote(file, kMaxInput).c_str(),
               quote(path, kMaxInput).c_str());
  std::abort();
}

// Component by component, as the walk runs it.
const Word* accepted(const Matcher& matcher, std::string_view path, Matcher::Scratch& scratch) {
  const MatchState* state = &matcher.start();
  MatchState kept;
  for (;;) {
    const size_t slash = path.find('/');
    state = &matcher.run(*state, path.substr(0, slash), scratch);
    if (slash == std::string_view::npos) return matcher.accepted(*state);
    kept = matcher.enter(*state, scratch);
    state = &kept;
    path.remove_prefix(slash + 1);
  }
}

void compare(std::string_view file, const std::vector<std::string>& paths) {
  std::vector<reference::Pattern> patterns;
  const bool valid = reference::parse(std::string(file), patterns);
  std::optional<RuleSet> rules;
  try {
    rules = parse_dockerignore(file, ".dockerignore");
  } catch (const Error&) {
  }
  if (valid != rules.has_value()) differ(valid ? "refused" : "not refused", file, {});
  if (!valid) return;
  const Program& program = rules->program();
  if (patterns.size() != program.rules.size()) differ("number of patterns", file, {});
  const Matcher some(program.automaton, program.patterns(), kTableBytes);
  const Matcher none(program.automaton, program.patterns(), 0);
  Matcher::Scratch scratch;
  for (const std::string& path : paths) {
    for (const Matcher* matcher : {&some, &none}) {
      const Word* hits = accepted(*matcher, path, scratch);
      for (size_t i = 0; i < patterns.size(); ++i) {
        const bool hit = hits != nullptr && (hits[i / kWordBits] >> (i % kWordBits) & 1U) != 0;
        if (hit != reference::matches(patterns[i].text, path)) {
          differ(hit ? "matched" : "not matched", patterns[i].text, path);
        }
      }
    }
  }
}

bool is_path(const std::string& path) {
  if (path.empty() || path.front() == '/' || path.back() == '/') return false;
  return path.find("//") == std::string::npos && path.find('\0') == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxInput) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kSeparator = "\n---\n";
  const size_t separator = input.find(kSeparator);
  const std::string_view file = input.substr(0, separator);
  std::vector<std::string> paths = {"a", "a/b", "a/b/c", "b.go", ".x/y.md"};
  if (separator != std::string_view::npos) {
    std::string path;
    for (const char c : std::string(input.substr(separator + kSeparator.size())) + "\n") {
      if (c != '\n') {
        path += c == '\x01' ? '\n' : c;  // a newline within a name
        continue;
      }
      if (is_path(path)) paths.push_back(path);
      path.clear();
    }
  }
  compare(file, paths);
  return 0;
}
