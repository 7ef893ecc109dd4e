#include "libhookcore/ignore/explain.h"

#include <dirent.h>

#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/verdict.h"
#include "libhookcore/ignore/walk.h"
#include "libhookcore/sys/directory.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::ignore {
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> components;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (component == "..") {
      throw Error(Code::kUsage, "\"..\" in a path to explain", {},
                  "name a path relative to the source directory");
    }
    if (!component.empty() && component != ".") components.emplace_back(component);
  }
  return components;
}

/// Whether a path or one of its ancestors is masked.
class FindMask : public MaskSink {
 public:
  explicit FindMask(std::string_view path) : path_(path) {}
  bool found() const { return found_; }
  void mask(const SourceDirectory& directory, std::string_view name, EntryType) override {
    std::string masked(directory.path);
    if (!masked.empty()) masked += '/';
    masked += name;
    if (path_ == masked || path_.starts_with(masked + '/')) found_ = true;
  }

 private:
  std::string_view path_;
  bool found_ = false;
};

/// Goes down one path, as the walk would.
class Explainer {
 public:
  Explainer(int source_fd, const RuleSet& rules)
      : rules_(rules),
        judge_(rules.program()),
        directory_(sys::open_directory_at(source_fd, ".")),
        scope_(judge_.root()) {}

  void descend(const std::string& name, bool named_as_directory) {
    path_ += (path_.empty() ? "" : "/") + name;
    look_up(name);
    if (settled_) return;  // whatever decided above holds for all below
    const bool directory = is_directory_ || named_as_directory;
    const Verdict verdict = judge_.judge(scope_, name, directory, scratch_);
    std::vector<Word> matched(judge_.matcher().words(), 0);
    if (verdict.matched != nullptr) {
      std::copy_n(verdict.matched, matched.size(), matched.begin());
      const auto& only = rules_.program().directories_only;
      for (size_t w = 0; w < matched.size() && !directory; ++w) matched[w] &= ~only[w];
    }
    result_.hidden = verdict.excluded;
    levels_.push_back(judge_.descend(scope_, verdict, scratch_));
    scope_ = levels_.back().scope;
    attribute(matched);
    settled_ = verdict.excluded && judge_.interest(scope_) == Judge::Interest::kNothing;
  }

  const std::string& path() const { return path_; }
  /// Excluded itself, but rules may show something in it.
  bool may_show_content() const { return result_.hidden && !settled_ && is_directory_; }

  Explanation result() && {
    result_.exists = exists_;
    return std::move(result_);
  }

 private:
  void look_up(const std::string& name) {
    const auto type =
        directory_ ? sys::entry_type_at(directory_.get(), name.c_str()) : std::nullopt;
    exists_ = type.has_value();
    is_directory_ = exists_ && *type == DT_DIR;
    const int fd = is_directory_ ? sys::open_directory_at(directory_.get(), name.c_str()) : -1;
    directory_.reset(fd >= 0 ? fd : -1);
  }

  void attribute(const std::vector<Word>& matched) {
    const bool inherits = rules_.program().semantics == Program::Semantics::kBuildKit;
    std::vector<Word> all = matched;
    for (size_t w = 0; w < all.size() && inherits && scope_.hits != nullptr; ++w) {
      all[w] |= scope_.hits[w];
    }
    // Of the rules that apply only those with the verdict's sign can have decided.
    const size_t decided = last_with_verdict(all, result_.hidden);
    if (decided != SIZE_MAX && result_.rule != decided) {
      result_.rule = decided;
      result_.decided_at = path_;
    }
    if (!result_.rule) return;
    std::vector<Word> earlier = all;
    for (size_t i = *result_.rule; i < earlier.size() * kWordBits; ++i) {
      earlier[i / kWordBits] &= ~(Word{1} << (i % kWordBits));
    }
    const size_t overridden = last_with_verdict(earlier, !result_.hidden);
    if (overridden != SIZE_MAX) result_.overridden = overridden;
  }

  size_t last_with_verdict(std::vector<Word> words, bool hidden) const {
    const bool include = rules_.program().semantics == Program::Semantics::kGitInclude;
    for (;;) {
      const size_t rule = judge_.last_rule(words.data());
      if (rule == SIZE_MAX || (rules_.rules()[rule].negated == include) == hidden) return rule;
      words[rule / kWordBits] &= ~(Word{1} << (rule % kWordBits));
    }
  }

  const RuleSet& rules_;
  Judge judge_;
  Judge::Scratch scratch_;
  sys::UniqueFd directory_;
  Scope scope_;
  std::vector<Judge::OwnedScope> levels_;
  std::string path_;
  bool exists_ = true;
  bool is_directory_ = true;
  bool settled_ = false;
  Explanation result_;
};

}  // namespace

Explanation explain(int source_fd, const RuleSet& rules, std::string_view path) {
  const std::vector<std::string> components = split(path);
  Explainer explainer(source_fd, rules);
  for (size_t i = 0; i < components.size(); ++i) {
    explainer.descend(components[i], i + 1 < components.size() || path.ends_with('/'));
  }
  const bool look_inside = explainer.may_show_content();
  FindMask sink(explainer.path());
  if (look_inside) find_masks(source_fd, rules, sink, {1});
  Explanation result = std::move(explainer).result();
  result.visible_for_content = look_inside && !sink.found();
  result.hidden = result.hidden && !result.visible_for_content;
  return result;
}

}  // namespace hookcore::ignore
