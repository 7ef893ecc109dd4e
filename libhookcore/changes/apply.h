#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libhookcore/changes/journal.h"
#include "libhookcore/changes/subject.h"

namespace hookcore::changes {

/// One change that is to be brought back to the source, decided before anything is written.
struct Step {
  Entry entry;           ///< without its descriptor
  std::string conflict;  ///< why it must not be done, or empty
  /// Another name of the same file, which is there when it is this one's turn; or empty.
  std::string hard_link;
  /// What of the source goes away: paths, what is in a directory before it. Only what the rules
  /// show: what they hide the container has never seen.
  std::vector<std::string> removals;
};

using Selection = std::function<bool(const std::string& path)>;

/// The changes that are selected, with the new directories above them. An entry of the source that
/// was changed since the session began (changed_since), and not by an earlier run of ours, is a
/// conflict, and so is one that the container never saw. Throws Error.
std::vector<Step> plan_apply(const Subject& subject, const Journal& journal,
                             const Selection& selected);

/// Does the steps: each file is complete, and on the disk, under another name before it takes its
/// place, so that a run that is killed, or a power cut, leaves old or new, and can be repeated.
/// What is deleted goes when all that is put is on the disk. Names of one file stay so. Nothing is
/// opened through a link or on another mount. Throws Error at the first step that fails; what can't
/// be kept (an owner that only root may set) is left as it comes. Returns what was left out, a line
/// each.
std::vector<std::string> apply(const Subject& subject, const std::vector<Step>& steps,
                               Journal& journal, const std::function<void(size_t done)>& progress);

}  // namespace hookcore::changes
