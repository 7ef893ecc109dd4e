#pragma once

#include <string>

#include "libhookcore/ignore/rules.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::cli {

/// A directory that a person named, and the rules for it.
struct Source {
  sys::UniqueFd fd;
  ignore::RuleSet rules;
};

/// ignore_file: instead of the directory's own rules, as typed, and so from where the person
/// stands; empty: none. Throws Error(kSource), Error(kIgnoreFile).
Source open_source(const std::string& directory, const std::string& ignore_file);

}  // namespace hookcore::cli
