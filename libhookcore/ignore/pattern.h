#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "libhookcore/ignore/automaton.h"

/// From the text of one pattern to tokens.
namespace hookcore::ignore {

/// A pattern that can't mean anything: why, and what to write instead.
class PatternError : public std::runtime_error {
 public:
  PatternError(const std::string& what, std::string remedy)
      : std::runtime_error(what), remedy_(std::move(remedy)) {}
  const std::string& remedy() const { return remedy_; }

 private:
  std::string remedy_;
};

/// A cleaned pattern of .dockerignore, without `!`. Throws PatternError.
CompiledPattern compile_dockerignore_pattern(std::string_view pattern);

/// A line of .gitignore, without `!`, as wildmatch(3) of git reads it. directories_only: it ended
/// in a slash. Throws PatternError where git would silently never match.
CompiledPattern compile_gitignore_pattern(std::string_view pattern, bool& directories_only);

}  // namespace hookcore::ignore
