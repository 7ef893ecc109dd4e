#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libhookcore/ignore/rules.h"

/// From rules and a source directory to what is visible and what is masked. Nothing here writes,
/// and no link is ever followed.
namespace hookcore::ignore {

enum class EntryType : unsigned char { kDirectory, kFile, kSymlink, kOther };

/// A directory of the source, as a sink sees it.
struct SourceDirectory {
  std::string_view
      path;  ///< bytes relative to the source root: "" for the root, no slash at the end
  int fd;    ///< the directory, open for the duration of the call
};

/// Receives the minimal set of whiteouts: every hidden entry whose parent is visible, once, in no
/// particular order, and only when that is definite. Called from several threads at once unless
/// WalkOptions::threads is 1. An exception ends the walk and is thrown from find_masks.
class MaskSink {
 public:
  virtual ~MaskSink() = default;
  virtual void mask(const SourceDirectory& directory, std::string_view name, EntryType type) = 0;
};

/// Receives every visible entry once, in no particular order, parents not necessarily first. Called
/// from several threads at once unless WalkOptions::threads is 1.
class VisibleSink {
 public:
  virtual ~VisibleSink() = default;
  virtual void visible(const SourceDirectory& directory, std::string_view name, EntryType type) = 0;
};

struct WalkOptions {
  /// At most this many threads, 0: as many as the machine has cores. Helpers start only when enough
  /// directories wait, so a small tree is walked by the caller alone.
  unsigned threads = 0;
  /// The sink's work is longer than the walk's: helpers start as soon as there is anything to
  /// share.
  bool heavy_sink = false;
};

struct WalkStats {
  uint64_t directories_read = 0;  ///< directories whose entries were listed
  uint64_t entries_seen = 0;      ///< entries those listings had
  uint64_t lookups = 0;           ///< names that rules spell out, looked up without a listing
  uint64_t masks = 0;
};

/// Calls sink for every mask of the source. source_fd is any descriptor of its root, O_PATH too.
/// A directory is opened only if a rule can still decide differently about something in it. Entries
/// that vanish meanwhile are skipped; a visible directory that can't be read but would have to be
/// is Error(kSource) with its path; an excluded one counts as empty.
WalkStats find_masks(int source_fd, const RuleSet& rules, MaskSink& sink,
                     const WalkOptions& options = {});

/// Calls sink for everything visible; reads every visible directory.
WalkStats list_visible(int source_fd, const RuleSet& rules, VisibleSink& sink,
                       const WalkOptions& options = {1});

}  // namespace hookcore::ignore
