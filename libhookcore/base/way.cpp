#include "libhookcore/base/way.h"

#include <algorithm>

namespace hookcore {

namespace {

constexpr std::string_view kNames[] = {"overlay", "fuse", "reflink", "copy"};

}  // namespace

std::string_view name(Way way) { return kNames[static_cast<size_t>(way)]; }

std::optional<Way> parse_way(std::string_view text) {
  for (const Way way : kWays) {
    if (text == name(way)) return way;
  }
  return std::nullopt;
}

std::string WayPolicy::forbids(Way way) const {
  if (only) return *only == way ? "" : "way = \"" + std::string(name(*only)) + "\" is configured";
  if (!is_copied(way) || copy == CopyRule::kAlways) return {};
  if (copy == CopyRule::kNever) return "copy = \"never\" is configured";
  return way == Way::kReflink ? "" : "copy = \"reflink\" allows none";
}

std::optional<WayRefusal> WayPolicy::obstacle(Way way) const {
  const std::string reason = forbids(way);
  if (reason.empty()) return std::nullopt;
  const std::string rule = way == Way::kReflink ? "reflink" : "always";
  return WayRefusal{
      way, reason,
      only ? "set way = \"auto\" in config.toml" : "set copy = \"" + rule + "\" in config.toml"};
}

std::optional<Way> take_first(const std::function<std::optional<WayRefusal>(Way)>& obstacle,
                              const std::function<void(Way)>& take,
                              std::vector<WayRefusal>& refusals) {
  for (const Way way : kWays) {
    if (auto refusal = obstacle(way)) {
      refusals.push_back(std::move(*refusal));
      continue;
    }
    try {
      take(way);
      return way;
    } catch (const WayRefused& refused) {
      refusals.push_back({way, refused.what(), refused.remedy()});
    }
  }
  return std::nullopt;
}

std::string describe(const std::vector<WayRefusal>& refusals) {
  std::string text;
  for (const WayRefusal& refusal : refusals) {
    text.append(text.empty() ? "" : ", ").append(name(refusal.way)).append(": ");
    text.append(refusal.reason);
  }
  return text;
}

std::string join_remedies(const std::vector<WayRefusal>& refusals) {
  std::vector<std::string_view> all;
  for (const WayRefusal& refusal : refusals) {
    const bool known = std::find(all.begin(), all.end(), refusal.remedy) != all.end();
    if (!refusal.remedy.empty() && !known) all.emplace_back(refusal.remedy);
  }
  std::string text;
  for (const std::string_view one : all) text.append(text.empty() ? "" : "; or ").append(one);
  return text;
}

}  // namespace hookcore
