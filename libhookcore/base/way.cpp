#include "libhookcore/base/way.h"

#include <iterator>

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

std::string describe(const std::vector<WayRefusal>& refusals) {
  std::string text;
  for (const WayRefusal& refusal : refusals) {
    text.append(text.empty() ? "" : ", ").append(name(refusal.way)).append(": ");
    text.append(refusal.reason);
  }
  return text;
}

}  // namespace hookcore
