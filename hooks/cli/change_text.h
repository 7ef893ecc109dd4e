#pragma once

#include <string>
#include <vector>

#include "hooks/cli/json_output.h"
#include "libhookcore/changes/summary.h"

/// Changes as they are printed.
namespace hookcore::cli {

/// As `git status --short`: a letter and the path, a slash behind a directory.
std::string changes_text(const std::vector<changes::Change>& changes);
/// The same without remarks and quoting, NUL behind each.
std::string changes_zero(const std::vector<changes::Change>& changes);
Json changes_json(const std::vector<changes::Change>& changes);

}  // namespace hookcore::cli
