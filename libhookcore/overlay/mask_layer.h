#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/ignore/walk.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::overlay {

/// A path below the workspace on which the engine has mounted something: it must be there to be
/// mounted on, whatever the rules say about it.
struct Anchor {
  std::string path;  ///< relative, as bytes, no slash at the ends
  bool directory = true;
};

/// The layer between source and upper that hides what the rules exclude: one whiteout (character
/// device 0/0, Documentation/filesystems/overlayfs.rst) for each mask, and the directories that
/// lead to them. Such a directory shows its own metadata instead of the source's, so it gets owner,
/// mode, times and extended attributes of its original.
class MaskLayer : public ignore::MaskSink {
 public:
  struct Options {
    bool user_xattr = false;  ///< user.overlay.* instead of trusted.overlay.*
    std::vector<Anchor> anchors;
  };

  /// root_fd: root of an empty tmpfs, source_fd: root of the source; O_PATH is enough. source_fd
  /// has to outlive this object.
  MaskLayer(int root_fd, int source_fd, Options options);

  void mask(const ignore::SourceDirectory& directory, std::string_view name,
            ignore::EntryType type) override;

  /// Last step: times of the directories, which every new whiteout has changed.
  void finish();

  uint64_t masks() const { return masks_; }

 private:
  int directory_for(const std::string& path);
  sys::UniqueFd copy_directory(int parent_fd, const std::string& name, const std::string& path);
  void whiteout(int dirfd, const std::string& name);
  void opaque_directory(int dirfd, const std::string& name, const std::string& path);
  bool is_anchor_or_above(const std::string& path) const;
  void make_anchors_below(const std::string& path, int fd);

  sys::UniqueFd root_;
  int source_fd_;
  struct ::stat root_status_ {};  ///< the source's root
  Options options_;
  std::mutex mutex_;
  /// Access and modification time of the originals of the layer's directories, by path.
  std::map<std::string, std::array<struct ::timespec, 2>, std::less<>> directories_;
  std::string cached_path_;
  sys::UniqueFd cached_fd_;
  sys::UniqueFd linked_directory_;
  std::string linked_name_;  ///< the whiteout that further ones are links of, in linked_directory_
  uint64_t masks_ = 0;
};

/// Gives target (a directory) owner, mode and extended attributes of source, as source_fd shows
/// them (an idmapped mount shows other owners than the disk has); times are copy_times'. Attributes
/// that the file system or the namespace refuses are left out, as are those of security modules,
/// which label by their own rules, and overlayfs' own.
/// Returns what source is like, its times too.
struct ::stat copy_metadata(int source_fd, int target_fd, std::string_view path);
void copy_times(const struct ::stat& source, int target_fd, std::string_view path);

}  // namespace hookcore::overlay
