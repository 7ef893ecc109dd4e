#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libhookcore/base/error.h"

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

/// Where a session's directory has what its containers wrote: the upper of kOverlay and kFuse, the
/// copy of the others.
inline constexpr const char* kUpperName = "upper";
inline constexpr const char* kCopyName = "copy";

/// The workspace is a directory of the session's own, without the source below it.
constexpr bool is_copied(Way way) { return way == Way::kReflink || way == Way::kCopy; }

/// A way that could not be taken.
struct WayRefusal {
  Way way = Way::kOverlay;
  std::string reason;       ///< one line, fit for a log
  std::string remedy = {};  ///< what would make it serve; may be empty
};

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

  /// Why this way isn't tried at all, and which key says so; nullopt: it is.
  std::optional<WayRefusal> obstacle(Way way) const;
  bool operator==(const WayPolicy&) const = default;

 private:
  std::string forbids(Way way) const;
};

/// A way that doesn't serve: the next one may. Thrown by what tries one.
class WayRefused : public std::exception {
 public:
  explicit WayRefused(std::string reason, std::string remedy = {}, bool lasting = false,
                      Code code = Code::kSystem)
      : reason_(std::move(reason)), remedy_(std::move(remedy)), lasting_(lasting), code_(code) {}
  const char* what() const noexcept override { return reason_.c_str(); }
  const std::string& remedy() const { return remedy_; }
  /// It won't in this boot, for this pair of file systems.
  bool is_lasting() const { return lasting_; }
  Code code() const { return code_; }

 private:
  std::string reason_;
  std::string remedy_;
  bool lasting_;
  Code code_;
};

/// The first way that serves, and why those before it don't. obstacle: tells without trying why one
/// can't be taken, else nothing; take: tries one, throws WayRefused. nullopt: none serves.
std::optional<Way> take_first(const std::function<std::optional<WayRefusal>(Way)>& obstacle,
                              const std::function<void(Way)>& take,
                              std::vector<WayRefusal>& refusals);

/// "overlay: REASON, fuse: REASON".
std::string describe(const std::vector<WayRefusal>& refusals);
/// "REMEDY; or REMEDY", each once; empty where there is none.
std::string join_remedies(const std::vector<WayRefusal>& refusals);

}  // namespace hookcore
