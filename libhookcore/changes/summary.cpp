#include "libhookcore/changes/summary.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "libhookcore/base/path.h"

namespace hookcore::changes {
namespace {

class Summary : public Visitor {
 public:
  void visit(const Entry& entry) override {
    if (entry.kind == Kind::kSame) return;
    if (const auto top = top_of(entry.path)) {
      ++changes[*top].below;
      if (S_ISDIR(entry.now.st_mode)) tops_.emplace(entry.path, *top);
      return;
    }
    Change change;
    change.entry = entry;
    change.entry.directory = -1;
    if (entry.kind != Kind::kDeleted) change.hard_link = other_name(entry);
    if (is_new_directory(entry)) tops_.emplace(entry.path, changes.size());
    changes.push_back(std::move(change));
  }

  std::vector<Change> changes;

 private:
  static bool is_new_directory(const Entry& entry) {
    if (entry.kind == Kind::kDeleted || !S_ISDIR(entry.now.st_mode)) return false;
    return entry.kind == Kind::kAdded || entry.retyped();
  }

  std::optional<size_t> top_of(const std::string& path) const {
    const auto found = tops_.find(parent_path(path));
    return found == tops_.end() ? std::nullopt : std::optional(found->second);
  }

  std::string other_name(const Entry& entry) {
    if (S_ISDIR(entry.now.st_mode) || entry.now.st_nlink < 2) return {};
    const auto [found, is_first] =
        names_.emplace(std::pair(entry.now.st_dev, entry.now.st_ino), entry.path);
    return is_first ? "" : found->second;
  }

  std::unordered_map<std::string, size_t> tops_;  ///< directories inside of one that is new
  std::map<std::pair<dev_t, ino_t>, std::string> names_;
};

}  // namespace

std::vector<Change> summarise(const Layers& layers) {
  Summary summary;
  walk(layers, summary);
  std::sort(summary.changes.begin(), summary.changes.end(),
            [](const Change& a, const Change& b) { return a.entry.path < b.entry.path; });
  return std::move(summary.changes);
}

}  // namespace hookcore::changes
