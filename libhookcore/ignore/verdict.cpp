#include "libhookcore/ignore/verdict.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace hookcore::ignore {
namespace {

using Semantics = Program::Semantics;

bool test_bit(const Word* words, size_t bit) {
  return (words[bit / kWordBits] >> (bit % kWordBits) & 1U) != 0;
}

}  // namespace

Scope Judge::root() const {
  Scope scope;
  scope.state = &matcher_.start();
  scope.excluded = program_.semantics == Semantics::kGitInclude;
  return scope;
}

size_t Judge::last_rule(const Word* words) const {
  if (words == nullptr) return SIZE_MAX;
  for (size_t w = matcher_.words(); w-- > 0;) {
    if (words[w] != 0) {
      return w * kWordBits + kWordBits - 1 - static_cast<size_t>(std::countl_zero(words[w]));
    }
  }
  return SIZE_MAX;
}

// Rule 23. A rule that could not change the verdict at its place is not evaluated, and so not
// inherited; what the parent inherited counts anyway.
bool Judge::combine(const Word* inherited, const Word* own, Word* hits) const {
  bool excluded = false;
  for (size_t w = 0; w < matcher_.words(); ++w) {
    const Word negated = program_.negated[w];
    const Word held = inherited != nullptr ? inherited[w] : 0;
    Word behind = ~Word{0};
    for (;;) {
      const Word candidates = (held | (own[w] & (excluded ? negated : ~negated))) & behind;
      if (candidates == 0) break;
      const Word bit = candidates & (~candidates + 1);
      excluded = (negated & bit) == 0;
      if (hits != nullptr) hits[w] |= bit;
      behind = ~(bit | (bit - 1));
    }
  }
  return excluded;
}

// git: what matched stays so with all it holds.
bool Judge::settled(const Scope& scope) const {
  return (program_.semantics == Semantics::kGitExclude && scope.excluded) ||
         (program_.semantics == Semantics::kGitInclude && !scope.excluded);
}

bool Judge::decide_git(const Word* own, bool parent_excluded) const {
  const size_t rule = last_rule(own);
  if (rule == SIZE_MAX) return parent_excluded;
  return test_bit(program_.negated.data(), rule) == (program_.semantics == Semantics::kGitInclude);
}

Verdict Judge::judge(const Scope& parent, std::string_view name, bool directory,
                     Scratch& scratch) const {
  Verdict verdict;
  verdict.excluded = parent.excluded;
  verdict.end = &matcher_.run(*parent.state, name, scratch);
  verdict.matched = matcher_.accepted(*verdict.end);
  if (verdict.matched == nullptr || settled(parent)) return verdict;
  if (program_.semantics == Semantics::kBuildKit) {
    verdict.excluded = combine(parent.hits, verdict.matched, nullptr);
    return verdict;
  }
  if (directory) {
    verdict.excluded = decide_git(verdict.matched, parent.excluded);
    return verdict;
  }
  std::vector<Word> matched(verdict.matched, verdict.matched + matcher_.words());
  for (size_t w = 0; w < matched.size(); ++w) matched[w] &= ~program_.directories_only[w];
  verdict.excluded = decide_git(matched.data(), parent.excluded);
  return verdict;
}

Judge::OwnedScope Judge::descend(const Scope& parent, const Verdict& verdict,
                                 Scratch& scratch) const {
  OwnedScope owned;
  owned.scope.excluded = verdict.excluded;
  owned.scope.hits = parent.hits;
  if (verdict.matched != nullptr && program_.semantics == Semantics::kBuildKit) {
    owned.hits = std::make_unique<Word[]>(matcher_.words());
    combine(parent.hits, verdict.matched, owned.hits.get());
    owned.scope.hits = owned.hits.get();
  }
  const MatchState& state = matcher_.enter(*verdict.end, scratch);
  owned.scope.state = &state;
  if (state.row == 0) {
    owned.state = std::make_unique<MatchState>(state);
    owned.scope.state = owned.state.get();
  }
  return owned;
}

template <typename Visit>
void Judge::for_relevant(const Scope& scope, Visit visit) const {
  if (scope.state->dead()) return;
  const Word* live = matcher_.live(*scope.state);
  if (scope.excluded && program_.prunes && !test_bit(live, program_.rules.size())) return;
  const auto& wanted = scope.excluded ? program_.revealers : program_.hiders;
  // The last hit decides whatever stands before it, here and everywhere below.
  const size_t last_hit = last_rule(scope.hits);
  const size_t first = last_hit == SIZE_MAX ? 0 : last_hit + 1;
  for (size_t w = first / kWordBits; w < matcher_.words(); ++w) {
    Word relevant = live[w] & wanted[w];
    if (w == first / kWordBits) relevant &= ~Word{0} << (first % kWordBits);
    if (relevant != 0 && !visit(w, relevant)) return;
  }
}

Judge::Interest Judge::interest(const Scope& scope) const {
  Interest interest = Interest::kNothing;
  for_relevant(scope, [&](size_t w, Word relevant) {
    const bool listing = (relevant & matcher_.unspelled(*scope.state)[w]) != 0;
    interest = listing ? Interest::kListing : Interest::kNames;
    return !listing;
  });
  return interest;
}

std::vector<Judge::Name> Judge::names(const Scope& scope) const {
  std::vector<Word> relevant(matcher_.words(), 0);
  for_relevant(scope, [&](size_t w, Word bits) {
    relevant[w] = bits;
    return true;
  });
  std::vector<Name> names;
  for (const auto position : scope.state->positions) {
    if (program_.automaton.accepts(position)) continue;
    if (!test_bit(relevant.data(), program_.automaton.pattern_of(position))) continue;
    Name name;
    name.text = program_.automaton.spelled_name(position, name.directory);
    if (!name.text.empty()) names.push_back(std::move(name));
  }
  // Each name once; any type will do if it does for one rule ("false" sorts first).
  std::sort(names.begin(), names.end(), [](const Name& a, const Name& b) {
    return a.text != b.text ? a.text < b.text : a.directory < b.directory;
  });
  const auto same = [](const Name& a, const Name& b) { return a.text == b.text; };
  names.erase(std::unique(names.begin(), names.end(), same), names.end());
  return names;
}

}  // namespace hookcore::ignore
