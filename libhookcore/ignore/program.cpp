#include "libhookcore/ignore/program.h"

#include <utility>

#include "libhookcore/base/error.h"

namespace hookcore::ignore {
namespace {

using Semantics = Program::Semantics;

// Real files have a hundred rules at most; a bit a rule is kept for directories that rules hit.
constexpr size_t kMaxRules = 65536;

void set_bit(std::vector<Word>& words, size_t bit) {
  words[bit / kWordBits] |= Word{1} << (bit % kWordBits);
}

}  // namespace

RuleSource RuleSet::source() const { return program_->source; }
const std::string& RuleSet::file() const { return program_->file; }
const std::vector<Rule>& RuleSet::rules() const { return program_->rules; }

ProgramBuilder::ProgramBuilder(Semantics semantics, RuleSource source, std::string file)
    : program_(std::make_shared<Program>(semantics)) {
  program_->source = source;
  program_->file = std::move(file);
}

void ProgramBuilder::add(Rule rule, const CompiledPattern& pattern, bool directories_only) {
  if (program_->rules.size() >= kMaxRules) {
    throw Error(Code::kIgnoreFile, "more than " + std::to_string(kMaxRules) + " rules",
                quote(program_->file) + ":" + std::to_string(rule.line),
                "join them with wildcards");
  }
  program_->automaton.add(program_->rules.size(), pattern);
  program_->rules.push_back(std::move(rule));
  directories_only_.push_back(directories_only);
}

void ProgramBuilder::prune_except(const std::vector<std::string>& paths) {
  program_->prunes = true;
  for (const std::string& path : paths) {
    CompiledPattern pattern;
    for (const Symbol symbol : decode_symbols(path + "/")) {
      pattern.tokens.push_back({Token::Kind::kLiteral, symbol});
    }
    // No name has a NUL byte: this keeps the pattern live in the directory itself and no deeper.
    pattern.tokens.push_back({Token::Kind::kLiteral, 0});
    program_->automaton.add(program_->rules.size(), pattern);
  }
}

RuleSet ProgramBuilder::finish() {
  Program& program = *program_;
  const size_t words = (program.patterns() + kWordBits - 1) / kWordBits;
  for (auto* bits :
       {&program.negated, &program.directories_only, &program.hiders, &program.revealers}) {
    bits->assign(words, 0);
  }
  for (size_t i = 0; i < program.rules.size(); ++i) {
    const bool negated = program.rules[i].negated;
    if (negated) set_bit(program.negated, i);
    if (directories_only_[i]) set_bit(program.directories_only, i);
    if (!negated && program.semantics != Semantics::kGitInclude) set_bit(program.hiders, i);
    const bool reveals = program.semantics == Semantics::kBuildKit     ? negated
                         : program.semantics == Semantics::kGitInclude ? !negated
                                                                       : false;
    if (reveals) set_bit(program.revealers, i);
  }
  program.automaton.finish();
  return RuleSet(std::move(program_));
}

}  // namespace hookcore::ignore
