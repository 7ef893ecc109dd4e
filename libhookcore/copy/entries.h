#pragma once

#include <sys/stat.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "libhookcore/copy/copy.h"
#include "libhookcore/copy/manifest.h"
#include "libhookcore/copy/metadata.h"
#include "libhookcore/copy/meter.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::copy {

/// Where an entry is: its directories in both trees, open, and its name there.
struct Spot {
  int source;
  int target;
  const std::string& name;
  const std::string& path;  ///< of the whole, relative to the root
};

/// Copies entries one by one; whatever stands there by then, and not what a listing said. An entry
/// that is gone is left out, as a walk leaves it out. Thread-safe but for finish_links and
/// finish_directories.
class Entries {
 public:
  /// The descriptors are those of copy_visible and outlive this object, like all the rest.
  Entries(int source_fd, int target_fd, const Options& options, ManifestWriter& manifest,
          Meter& meter)
      : source_fd_(source_fd),
        target_fd_(target_fd),
        options_(options),
        manifest_(manifest),
        meter_(meter) {}

  /// An entry of a source directory that is open. Makes the directories above it.
  void copy(int source_directory, const std::string& directory, const std::string& name);

  /// When all else is copied: the further names of files that have several.
  void finish_links();
  /// Places to mount on, which no rule shows.
  void make_anchors();
  /// At last, since every new entry changes them.
  void finish_directories();

  /// Without bytes.
  Result result() const;

 private:
  using Object = std::pair<uint64_t, uint64_t>;  ///< device, inode
  struct Name {
    std::string directory;
    std::string name;
    Stamp changed = {};  ///< of the file, when it was opened: an inode's number is used again
  };
  enum class Outcome { kDone, kAgain };

  sys::UniqueFd open_target(const std::string& directory) const;
  void make_directories(const std::string& directory) const;
  void add_directory(const Spot& spot);
  Outcome copy_once(const Spot& spot, bool linking);
  void copy_persistently(const Spot& spot, bool linking);
  Outcome copy_file(const Spot& spot, bool linking);
  Outcome copy_opened(int from, const struct ::stat& before, const Spot& spot);
  Outcome copy_link(const Spot& spot, const struct ::stat& status);
  Outcome copy_special(const Spot& spot, const struct ::stat& status);
  Outcome finish_special(const Spot& spot, const struct ::stat& status);
  bool fill(int from, const struct ::stat& status, int to, const Spot& spot);
  /// True: it is, or will be, another name of a file that is copied.
  bool is_further_name(const Spot& spot, const struct ::stat& status, bool linking);
  bool link_to(const Name& first, const Spot& spot) const;
  void finish_directory(const std::string& path);
  void note(const std::string& path, const struct ::stat& source, uint64_t copy_inode, Kept kept);

  int source_fd_;
  int target_fd_;
  const Options& options_;
  ManifestWriter& manifest_;
  Meter& meter_;
  std::atomic<uint64_t> entries_{0};
  std::mutex mutex_;  ///< guards the rest
  std::vector<std::string> directories_;
  std::map<Object, Name> names_;  ///< the first of a file that has several
  std::vector<Name> further_names_;
  uint64_t attributes_refused_ = 0;
  std::string first_refused_;
};

}  // namespace hookcore::copy
