#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How a workspace comes about, and what the administrator allows of it (SPEC 8). Plain data, for
/// settings, sessions and hooks alike.
namespace hookcore {

/// In the order in which they are tried. The set of visible paths and their contents are the same
/// whichever is taken.
enum class Way {
  kOverlay,  ///< the kernel's overlay
  kFuse,     ///< fuse-overlayfs over the same layers
  kReflink,  ///< a copy of the visible files that shares their blocks (FICLONE: btrfs, xfs)
  kCopy,     ///< a copy that doesn't
};
inline constexpr Way kWays[] = {Way::kOverlay, Way::kFuse, Way::kReflink, Way::kCopy};

/// "overlay", "fuse", "reflink", "copy": in state files, settings and --json.
std::string_view name(Way way);
std::optional<Way> parse_way(std::string_view text);

/// The workspace is a directory of the session's own, without the source below it.
constexpr bool is_copied(Way way) { return way == Way::kReflink || way == Way::kCopy; }

/// Which copies may be made: of config.toml.
enum class CopyRule {
  kNever,
  kReflink,  ///< only such as take no room
  kAlways,
};

struct WayPolicy {
  std::optional<Way> only;  ///< nullopt: the first that serves
  CopyRule copy = CopyRule::kReflink;
  uint64_t copy_limit_bytes = uint64_t{1} << 30;  ///< of a plain copy, for one session; 0: none

  /// Why this way isn't tried at all, and which key says so; empty: it is.
  std::string forbids(Way way) const;
  bool operator==(const WayPolicy&) const = default;
};

/// A way that could not be taken.
struct WayRefusal {
  Way way = Way::kOverlay;
  std::string reason;  ///< one line, fit for a log
};

/// "overlay: REASON, fuse: REASON".
std::string describe(const std::vector<WayRefusal>& refusals);

}  // namespace hookcore
