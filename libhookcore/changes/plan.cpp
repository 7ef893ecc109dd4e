#include <fcntl.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/changes/apply.h"

namespace hookcore::changes {
namespace {

class Planner : public Visitor {
 public:
  Planner(const Subject& subject, const Journal& journal, const Selection& selected)
      : subject_(subject), journal_(journal), selected_(selected) {}

  void visit(const Entry& entry) override {
    if (entry.kind == Kind::kSame) {
      if (is_linked(entry)) names_.emplace(object_of(entry), entry.path);
      return;
    }
    const bool is_directory = entry.kind != Kind::kDeleted && S_ISDIR(entry.now.st_mode);
    const bool is_new = entry.kind == Kind::kAdded || entry.retyped();
    if (!selected_(entry.path)) {
      // It may be needed for what is in it.
      if (is_directory && is_new) passed_over_.emplace(entry.path, entry);
      return;
    }
    for (size_t at = entry.path.find('/'); at != std::string::npos;
         at = entry.path.find('/', at + 1)) {
      const auto parent = passed_over_.extract(entry.path.substr(0, at));
      if (parent) add(parent.mapped());
    }
    add(entry);
  }

  std::vector<Step> steps;

 private:
  void add(const Entry& entry) {
    Step step;
    step.entry = entry;
    step.entry.directory = -1;
    judge(step);
    if (is_linked(entry)) {
      const auto [first, is_first] = names_.emplace(object_of(entry), entry.path);
      if (!is_first) step.hard_link = first->second;
    }
    steps.push_back(std::move(step));
  }

  // What shows through a moved directory has its names in the source.
  static bool is_linked(const Entry& entry) {
    return entry.kind != Kind::kDeleted && S_ISREG(entry.now.st_mode) && entry.now.st_nlink > 1 &&
           entry.data_in_source.empty();
  }

  static std::pair<dev_t, ino_t> object_of(const Entry& entry) {
    return {entry.now.st_dev, entry.now.st_ino};
  }

  void judge(Step& step) const {
    const Entry& entry = step.entry;
    const auto there = find(entry.path);
    if (entry.kind == Kind::kAdded) {
      const bool both_directories = there && S_ISDIR(there->st_mode) && S_ISDIR(entry.now.st_mode);
      // A part of it may have been applied, or be hidden by a rule: what is in it decides.
      if (there && !both_directories && !journal_.knows(*there)) {
        step.conflict = "is in the source already, and the container never saw it";
      }
      return;
    }
    if (!there) {
      step.conflict = "is gone from the source";
    } else if (S_ISDIR(there->st_mode) && (entry.kind == Kind::kDeleted || entry.retyped())) {
      plan_removal(step);
    } else {
      if (is_changed(*there)) step.conflict = "was changed in the source since the session began";
      if (entry.kind == Kind::kDeleted) step.removals.push_back(entry.path);
    }
  }

  bool is_changed(const struct ::stat& status) const {
    return changed_since(subject_.state.origin, status) && !journal_.knows(status);
  }

  std::optional<struct ::stat> find(const std::string& path) const {
    const sys::UniqueFd parent = open(parent_path(path));
    return parent ? sys::stat_at(parent.get(), base_name(path)) : std::nullopt;
  }

  sys::UniqueFd open(const std::string& path) const {
    return sys::open_if_readable(subject_.source.get(), path, O_RDONLY | O_DIRECTORY,
                                 sys::Resolve::kStrict);
  }

  void plan_removal(Step& step) const {
    std::vector<std::string> waiting{step.entry.path};
    while (!waiting.empty()) {
      const std::string path = std::move(waiting.back());
      waiting.pop_back();
      step.removals.push_back(path);
      const sys::UniqueFd directory = open(path);
      if (!directory) {
        step.conflict = "holds a directory that can't be read, or another mount";
        return;
      }
      for (const std::string& name : sys::list_directory(directory.get())) {
        const std::string below = join_path(path, name);
        if (subject_.layers.masks.contains(below)) {
          if (step.entry.retyped()) step.conflict = "holds what the ignore rules hide";
          continue;
        }
        const auto status = sys::stat_at(directory.get(), name);
        if (!status) continue;
        if (S_ISDIR(status->st_mode)) {
          waiting.push_back(below);
          continue;
        }
        step.removals.push_back(below);
        if (is_changed(*status)) step.conflict = "holds what was changed since the session began";
      }
    }
    std::reverse(step.removals.begin(), step.removals.end());
  }

  const Subject& subject_;
  const Journal& journal_;
  const Selection& selected_;
  std::unordered_map<std::string, Entry> passed_over_;
  std::map<std::pair<dev_t, ino_t>, std::string> names_;  ///< the first of each file's
};

}  // namespace

std::vector<Step> plan_apply(const Subject& subject, const Journal& journal,
                             const Selection& selected) {
  Planner planner(subject, journal, selected);
  walk(subject.layers, planner);
  return std::move(planner.steps);
}

}  // namespace hookcore::changes
