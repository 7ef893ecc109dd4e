#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/overlay/mask_layer.h"

/// A workspace without an overlay: the visible files of a source, copied (SPEC 8). The source is
/// opened for reading only, no link in it is followed, and what is excluded isn't looked at.
///
/// The copy shows what an overlay would show: type, contents, mode, owner as source_fd shows it,
/// times, extended attributes with access lists and file capabilities, names of one file (hard
/// links), holes. It can't show: an owner without an id in our user namespace (the file is ours
/// then, and loses its set-id bits), attributes that the file system or the namespace refuses, a
/// listener behind a socket. A device node needs the machine's root.
namespace hookcore::copy {

enum class Method {
  kReflink,  ///< files share their blocks with the source's; or none is copied at all
  kPlain,
};

/// What stands in the way of this method, but not of another one: a file that can't be cloned, too
/// many bytes.
class Refused : public Error {
 public:
  using Error::Error;
};

struct Progress {
  uint64_t files = 0;
  uint64_t bytes = 0;      ///< copied
  uint64_t all_bytes = 0;  ///< of all files, when the copy began
};

struct Options {
  Method method = Method::kPlain;
  /// Of a plain copy: bytes on disk; 0: as many as there are.
  uint64_t limit_bytes = 0;
  unsigned threads = 0;  ///< as ignore::WalkOptions has it
  /// Where the engine mounts something below the workspace: made where the rules hide it.
  std::vector<overlay::Anchor> anchors = {};
  /// Told of a plain copy; by any thread, one at a time.
  std::function<void(const Progress&)> progress = {};
  std::chrono::milliseconds progress_interval{1000};
  /// make_copy: what has its name is whole after a power cut, too.
  bool durable = false;
};

struct Result {
  uint64_t entries = 0;
  uint64_t bytes = 0;               ///< of files, holes left out; shared or not
  uint64_t attributes_refused = 0;  ///< entries that lack an attribute of their original
  std::string first_refused;        ///< the path of one of them
};

/// Copies what rules leave visible in source_fd into the empty directory target_fd, which is ours
/// alone, and writes the manifest into the empty file manifest_fd. Throws Refused; Error(kSource)
/// for a file that can't be read or keeps changing; SystemError. What was copied until then stays.
Result copy_visible(int source_fd, const ignore::RuleSet& rules, int target_fd, int manifest_fd,
                    const Options& options);

/// The manifest of the copy NAME lies beside it.
std::string manifest_name(const std::string& name);

/// The same into directory/NAME: it is there complete, or not at all, whenever we are killed (and
/// see Options::durable), and what an earlier run has left unfinished is removed first. directory:
/// ours alone.
Result make_copy(int source_fd, const ignore::RuleSet& rules, int directory,
                 const std::string& name, const Options& options);

/// Whether make_copy would be refused, without the copy: of Method::kReflink one visible file is
/// made in directory, and removed; of kPlain everything is counted. Throws as make_copy does.
/// Returns the bytes that the copy would take.
uint64_t try_copy(int source_fd, const ignore::RuleSet& rules, int directory,
                  const Options& options);

}  // namespace hookcore::copy
