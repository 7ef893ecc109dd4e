#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <unordered_set>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/explain.h"
#include "libhookcore/ignore/verdict.h"
#include "libhookcore/ignore/walk.h"
#include "libhookcore/sys/directory.h"
#include "libhookcore/sys/file.h"

namespace hookcore::ignore {
namespace {

constexpr size_t kNoRule = SIZE_MAX;
constexpr uint64_t kEntriesBetweenProgress = 20000;

class CollectMasks : public MaskSink {
 public:
  void mask(const SourceDirectory& directory, std::string_view name, EntryType) override {
    std::string path(directory.path);
    if (!path.empty()) path += '/';
    paths.insert(std::move(path.append(name)));
  }
  std::unordered_set<std::string> paths;
};

/// Rules that would match more if they began with `**/`: what a person who knows .gitignore
/// expects. Held against entries below the root.
class GitignoreReading {
 public:
  explicit GitignoreReading(const RuleSet& rules) {
    const bool docker = rules.program().semantics == Program::Semantics::kBuildKit;
    if (!docker || rules.source() == RuleSource::kDefaultPolicy) return;
    std::string text;
    for (size_t i = 0; i < rules.rules().size(); ++i) {
      std::string pattern = rules.rules()[i].text;
      while (pattern.ends_with('/')) pattern.pop_back();
      const bool single = pattern.find('/') == std::string::npos;
      if (rules.rules()[i].negated || !single || pattern.starts_with("*")) continue;
      text += "**/" + pattern + "\n";
      rule_of_.push_back(i);
    }
    rules_.emplace(parse_dockerignore(text, {}));
    judge_ = std::make_unique<Judge>(rules_->program());
    scope_ = judge_->root();
    found_.resize(rule_of_.size());
  }

  // An entry that is visible and not at the root.
  void see(const std::string& directory, std::string_view name) {
    if (!judge_) return;
    const Verdict verdict = judge_->judge(scope_, name, true, scratch_);
    for (size_t i = 0; verdict.matched != nullptr && i < rule_of_.size(); ++i) {
      if ((verdict.matched[i / kWordBits] >> (i % kWordBits) & 1U) == 0) continue;
      if (found_[i].count++ == 0) found_[i].first = directory + "/" + std::string(name);
    }
  }

  std::vector<std::string> hints(const RuleSet& rules) const {
    std::vector<std::string> hints;
    for (size_t i = 0; i < found_.size(); ++i) {
      if (found_[i].count == 0) continue;
      const Rule& rule = rules.rules()[rule_of_[i]];
      hints.push_back(quote(rules.file()) + ":" + std::to_string(rule.line) + ": " +
                      quote(rule.text) + " matches at the root only; " +
                      std::to_string(found_[i].count) + " more visible below, such as " +
                      quote(found_[i].first) + ": write " + quote("**/" + rule.text) +
                      " if they are meant too");
    }
    return hints;
  }

 private:
  struct Found {
    uint64_t count = 0;
    std::string first;
  };
  std::optional<RuleSet> rules_;
  std::unique_ptr<Judge> judge_;
  Judge::Scratch scratch_;
  Scope scope_;
  std::vector<size_t> rule_of_;
  std::vector<Found> found_;
};

class Collector {
 public:
  Collector(int source_fd, const RuleSet& rules,
            const std::function<void(uint64_t entries)>& progress)
      : source_fd_(source_fd),
        rules_(rules),
        progress_(progress),
        judge_(rules.program()),
        gitignore_(rules) {
    stats_.rules.resize(rules.rules().size());
    find_masks(source_fd, rules, masks_, {1});
  }

  Stats collect() {
    auto root = std::make_shared<Level>();
    root->own.scope = judge_.root();
    waiting_.push_back(std::move(root));
    while (!waiting_.empty()) {
      const std::shared_ptr<Level> level = std::move(waiting_.back());
      waiting_.pop_back();
      read(level);
    }
    stats_.hints = gitignore_.hints(rules_);
    return std::move(stats_);
  }

 private:
  // Holds its parent, whose hits its own scope may point to.
  struct Level {
    std::shared_ptr<Level> parent;
    Judge::OwnedScope own;
    std::string path;
    bool masked = false;
    size_t masked_by = kNoRule;
  };

  void read(const std::shared_ptr<Level>& level) {
    const std::string path = level->path.empty() ? "." : level->path;
    const int fd = sys::open_at_raw(source_fd_, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                    sys::Resolve::kNoLinks);
    if (fd < 0) return;  // vanished or not for us: its own entry is counted
    const sys::UniqueFd directory(fd);
    reader_.start(fd);
    sys::DirectoryReader::Entry entry;
    while (reader_.next(entry)) {
      const auto status = sys::stat_at(fd, std::string(entry.name));
      if (status) count(level, entry.name, *status);
      if (++entries_ % kEntriesBetweenProgress == 0 && progress_) progress_(entries_);
    }
  }

  void count(const std::shared_ptr<Level>& level, std::string_view name,
             const struct ::stat& status) {
    const bool is_directory = S_ISDIR(status.st_mode);
    const std::string path =
        level->path.empty() ? std::string(name) : level->path + "/" + std::string(name);
    const Verdict verdict = judge_.judge(level->own.scope, name, is_directory, scratch_);
    const std::vector<Word> matched = matches_of(verdict, is_directory);
    note_matches(matched);
    auto below = std::make_shared<Level>();
    below->masked = level->masked;
    below->masked_by = level->masked_by;
    below->own = judge_.descend(level->own.scope, verdict, scratch_);
    const bool is_mask = !level->masked && masks_.paths.contains(path);
    if (is_mask) {
      below->masked = true;
      // The last rule that hits decides; with BuildKit's meaning hits may be inherited.
      const bool inherits = rules_.program().semantics == Program::Semantics::kBuildKit;
      below->masked_by = judge_.last_rule(inherits ? below->own.scope.hits : matched.data());
    }
    const auto bytes = static_cast<uint64_t>(status.st_blocks) * 512;
    add(*below, is_mask, bytes);
    if (!below->masked && !level->path.empty()) gitignore_.see(level->path, name);
    if (!is_directory) return;
    below->parent = level;
    below->path = path;
    waiting_.push_back(std::move(below));
  }

  std::vector<Word> matches_of(const Verdict& verdict, bool is_directory) const {
    std::vector<Word> matched(judge_.matcher().words(), 0);
    for (size_t w = 0; verdict.matched != nullptr && w < matched.size(); ++w) {
      matched[w] = verdict.matched[w];
      if (!is_directory) matched[w] &= ~rules_.program().directories_only[w];
    }
    return matched;
  }

  void note_matches(const std::vector<Word>& matched) {
    for (size_t w = 0; w < matched.size(); ++w) {
      for (Word bits = matched[w]; bits != 0; bits &= bits - 1) {
        ++stats_.rules[w * kWordBits + static_cast<size_t>(std::countr_zero(bits))].matched;
      }
    }
  }

  void add(const Level& entry, bool is_mask, uint64_t bytes) {
    if (!entry.masked) {
      ++stats_.visible_entries;
      stats_.visible_bytes += bytes;
      return;
    }
    ++stats_.masked_entries;
    stats_.masked_bytes += bytes;
    if (entry.masked_by == kNoRule) return;
    RuleStats& rule = stats_.rules[entry.masked_by];
    rule.masks += is_mask ? 1 : 0;
    ++rule.masked_entries;
    rule.masked_bytes += bytes;
  }

  int source_fd_;
  const RuleSet& rules_;
  const std::function<void(uint64_t entries)>& progress_;
  Judge judge_;
  Judge::Scratch scratch_;
  GitignoreReading gitignore_;
  CollectMasks masks_;
  sys::DirectoryReader reader_;
  std::vector<std::shared_ptr<Level>> waiting_;
  uint64_t entries_ = 0;
  Stats stats_;
};

}  // namespace

Stats collect_stats(int source_fd, const RuleSet& rules,
                    const std::function<void(uint64_t entries)>& progress) {
  return Collector(source_fd, rules, progress).collect();
}

}  // namespace hookcore::ignore
