#pragma once

#include <string>
#include <vector>

#include "libhookcore/ignore/automaton.h"
#include "libhookcore/ignore/rules.h"

namespace hookcore::ignore {

/// What a rule set is compiled to. Rule i is pattern i of the automaton.
struct Program {
  /// How the matches of one path become a verdict.
  enum class Semantics {
    kBuildKit,  ///< rules 22 to 26: hits are inherited, excluded directories may hold visible paths
    kGitExclude,  ///< an excluded directory stays excluded with all it holds
    kGitInclude,  ///< nothing is visible but what matches, with all it holds
  };

  explicit Program(Semantics kind)
      : semantics(kind), automaton(/*bytes=*/kind != Semantics::kBuildKit) {}

  Semantics semantics;
  RuleSource source = RuleSource::kDefaultPolicy;
  std::string file;
  std::vector<Rule> rules;
  Automaton automaton;

  /// Bits: the automaton's patterns, one for each rule and then `stay_out`.
  size_t patterns() const { return rules.size() + 1; }
  std::vector<Word> negated;
  std::vector<Word> directories_only;  ///< gitignore's trailing slash
  /// Patterns that can hide something in a visible directory, or show something in an excluded one.
  std::vector<Word> hiders;
  std::vector<Word> revealers;

  /// Rule 25: if set, an excluded directory is entered only while the pattern with index
  /// rules.size(), which spells the directories that lead to a negation, is live.
  bool prunes = false;
};

/// Joins rules and patterns, which are parallel, into a rule set.
class ProgramBuilder {
 public:
  ProgramBuilder(Program::Semantics semantics, RuleSource source, std::string file);

  void add(Rule rule, const CompiledPattern& pattern, bool directories_only = false);
  /// Rule 25; see Program::prunes. paths: the negations without their trailing globs.
  void prune_except(const std::vector<std::string>& paths);
  RuleSet finish();

 private:
  std::shared_ptr<Program> program_;
  std::vector<bool> directories_only_;
};

}  // namespace hookcore::ignore
