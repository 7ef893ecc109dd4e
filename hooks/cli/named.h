#pragma once

#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/sys/fd.h"

/// What a person names on the command line: paths from where they stand.
namespace hookcore::cli {

/// path absolute and without links. Throws SystemError of this code for what isn't there.
std::string real_path(const std::string& path, Code code);

/// A directory, and the rules for it.
struct Source {
  sys::UniqueFd fd;
  ignore::RuleSet rules;
};

/// ignore_file: instead of the directory's own rules, as typed, and so from where the person
/// stands; empty: none. Throws Error(kSource), Error(kIgnoreFile).
Source open_source(const std::string& directory, const std::string& ignore_file);

}  // namespace hookcore::cli
