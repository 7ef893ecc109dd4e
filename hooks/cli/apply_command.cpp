#include "hooks/cli/apply_command.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "hooks/cli/change_text.h"
#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/changes/apply.h"

namespace hookcore::cli {
namespace {

// As git's pathspec: a path, all below a directory, or a shell pattern whose * crosses slashes.
bool matches(const std::string& pattern, const std::string& path) {
  if (path == pattern || path.starts_with(pattern + "/")) return true;
  return ::fnmatch(pattern.c_str(), path.c_str(), FNM_NOESCAPE) == 0;
}

changes::Selection selection_of(std::vector<std::string> patterns) {
  for (std::string& pattern : patterns) {
    while (pattern.ends_with('/')) pattern.pop_back();
  }
  return [patterns = std::move(patterns)](const std::string& path) {
    return patterns.empty() || std::any_of(patterns.begin(), patterns.end(),
                                           [&](const auto& one) { return matches(one, path); });
  };
}

void show(const std::vector<changes::Step>& steps) {
  std::vector<changes::Change> shown;
  shown.reserve(steps.size());
  for (const changes::Step& step : steps) shown.push_back({step.entry, 0, {}});
  print(changes_text(shown));
}

// True: nothing stands against it, or it was asked for.
bool report_conflicts(const changes::Subject& subject, const std::vector<changes::Step>& steps,
                      bool force) {
  bool clean = subject.doubt.empty();
  if (!clean) std::fprintf(stderr, "oci-cnb: %s\n", subject.doubt.c_str());
  for (const changes::Step& step : steps) {
    if (step.conflict.empty()) continue;
    clean = false;
    std::fprintf(stderr, "oci-cnb: %s %s\n", quote(step.entry.path).c_str(), step.conflict.c_str());
  }
  if (!clean && !force) {
    std::fputs("oci-cnb: nothing was applied; leave these out by patterns, or use --force\n",
               stderr);
  }
  return clean || force;
}

bool asked_and_agreed(size_t count, const std::string& source) {
  if (::isatty(STDIN_FILENO) != 1) {
    throw Error(Code::kUsage, "nobody can be asked: stdin is no terminal", "",
                "use --yes to apply, or --dry-run to look");
  }
  std::fprintf(stderr, "Apply %zu changes to %s? [y/N] ", count, quote(source).c_str());
  std::array<char, 16> answer{};
  const ssize_t got = ::read(STDIN_FILENO, answer.data(), answer.size());
  return got > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

}  // namespace

bool apply_changes(const changes::Subject& subject, const ApplyOptions& options) {
  changes::Journal journal(subject.session.get());
  const auto steps = changes::plan_apply(subject, journal, selection_of(options.patterns));
  show(steps);
  if (steps.empty()) {
    std::fputs("oci-cnb: nothing to apply\n", stderr);
    return options.patterns.empty();
  }
  if (!report_conflicts(subject, steps, options.force)) return false;
  if (options.dry_run) return true;
  if (!options.yes && !asked_and_agreed(steps.size(), subject.state.origin.path)) return false;
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const auto left_out = changes::apply(subject, steps, journal, [&](size_t done) {
    if (terminal && done % 100 == 0) std::fprintf(stderr, "\r%zu of %zu", done, steps.size());
  });
  if (terminal) std::fputs("\r\033[K", stderr);
  for (const std::string& problem : left_out) {
    std::fprintf(stderr, "oci-cnb: left out: %s\n", problem.c_str());
  }
  return left_out.empty();
}

}  // namespace hookcore::cli
