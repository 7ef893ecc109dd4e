#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/ignore/rules.h"

/// Answers for people: why is this path hidden, what does each rule do.
namespace hookcore::ignore {

/// Why a path is visible or hidden.
struct Explanation {
  bool hidden = false;
  bool exists = false;
  /// The rule that decides, an index into RuleSet::rules(); none: no rule matches.
  std::optional<size_t> rule;
  /// The path at which it matched: the path itself or one of its ancestors.
  std::string decided_at;
  /// The last rule of the opposite verdict that `rule` overrides.
  std::optional<size_t> overridden;
  /// Excluded itself, visible because something below it is.
  bool visible_for_content = false;
};

/// path: relative to the source root; "./", "//" and a slash at the end are ignored, ".." is
/// refused. Paths that don't exist are judged by their name, as a directory if they end in "/".
Explanation explain(int source_fd, const RuleSet& rules, std::string_view path);

struct RuleStats {
  uint64_t matched = 0;         ///< entries whose own path it matches; 0: perhaps a typing error
  uint64_t masks = 0;           ///< whiteouts it is the cause of
  uint64_t masked_entries = 0;  ///< entries hidden, with everything below a hidden directory
  uint64_t masked_bytes = 0;    ///< disk space (st_blocks * 512) of these, links and all
};

struct Stats {
  std::vector<RuleStats> rules;  ///< parallel to RuleSet::rules()
  uint64_t visible_entries = 0;
  uint64_t visible_bytes = 0;  ///< disk space (st_blocks * 512)
  uint64_t masked_entries = 0;
  uint64_t masked_bytes = 0;
  std::vector<std::string> hints;  ///< one line each: rules that look like mistakes
};

/// Reads the whole source, what is hidden too. progress, if given, is called now and then with the
/// entries so far.
Stats collect_stats(int source_fd, const RuleSet& rules,
                    const std::function<void(uint64_t entries)>& progress = {});

}  // namespace hookcore::ignore
