#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/ignore/matcher.h"
#include "libhookcore/ignore/program.h"

namespace hookcore::ignore {

/// What a directory hands down to its entries. Copied into each; owns nothing.
struct Scope {
  const MatchState* state = nullptr;  ///< after the directory's path and a slash
  const Word* hits = nullptr;         ///< rules that hit the directory (rule 22); null: none
  bool excluded = false;              ///< kGitInclude: nothing in it has matched yet
};

/// What the rules say about one entry. The entry of an excluded directory may still be a directory
/// with something visible in it.
struct Verdict {
  bool excluded = false;
  const Word* matched = nullptr;  ///< rules that match its own path; null: none
  const MatchState* end = nullptr;
};

/// Rules applied to one source. Shared by the threads of a walk.
class Judge {
 public:
  explicit Judge(const Program& program)
      : program_(program), matcher_(program.automaton, program.patterns()) {}

  /// Each thread has one.
  using Scratch = Matcher::Scratch;

  const Program& program() const { return program_; }
  const Matcher& matcher() const { return matcher_; }
  Scope root() const;

  /// The verdict is valid until scratch is used again.
  Verdict judge(const Scope& parent, std::string_view name, bool directory, Scratch& scratch) const;

  /// A directory's own scope, with the storage it may need.
  struct OwnedScope {
    Scope scope;
    std::unique_ptr<Word[]> hits;
    std::unique_ptr<MatchState> state;
  };
  /// parent's hits have to outlive the result.
  OwnedScope descend(const Scope& parent, const Verdict& verdict, Scratch& scratch) const;

  /// What has to be looked at in a directory.
  enum class Interest {
    kNothing,  ///< all of it is like the directory itself
    kNames,    ///< only names that rules spell out can differ
    kListing,
  };
  Interest interest(const Scope& scope) const;

  struct Name {
    std::string text;
    bool directory;  ///< matters only if it is a directory
  };
  /// The names of kNames.
  std::vector<Name> names(const Scope& scope) const;

  /// The last rule among words; SIZE_MAX: none.
  size_t last_rule(const Word* words) const;

 private:
  bool combine(const Word* inherited, const Word* own, Word* hits) const;
  bool settled(const Scope& scope) const;
  bool decide_git(const Word* own, bool parent_excluded) const;
  /// Calls visit(word index, rules of that word that can still change something below scope) until
  /// it returns false.
  template <typename Visit>
  void for_relevant(const Scope& scope, Visit visit) const;

  const Program& program_;
  Matcher matcher_;
};

}  // namespace hookcore::ignore
