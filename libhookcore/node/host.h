#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/sys/fd.h"

namespace hookcore::node {

/// A node's files, seen from a directory that stands for "/" (a DaemonSet's mount of the host).
/// Paths are absolute and resolved as chroot would. Everything throws SystemError.
class Host {
 public:
  explicit Host(const std::string& root);

  /// nullopt: not there.
  std::optional<std::string> read(const std::string& path) const;
  /// Replaces the file, atomically, also behind a link, which may lead nowhere yet; owner and mode
  /// of one that is there stay, mode is a new one's. It survives a power cut. Directories above are
  /// made, by root with mode 0755 whatever the umask. False: it was like this already.
  bool write(const std::string& path, std::string_view bytes, mode_t mode) const;
  /// The file, also behind a link, which stays. What isn't there is gone already.
  void remove(const std::string& path) const;
  /// Does nothing to one with something in it, or where something is mounted, as in a pod; nor to a
  /// link, or where it may not be removed.
  void remove_empty_directory(const std::string& path) const;
  /// The target of a link; nullopt: no link there.
  std::optional<std::string> link(const std::string& path) const;
  /// Switches a link to target: at any moment the old or the new one is there.
  void set_link(const std::string& path, const std::string& target) const;
  /// Nobody else's until it is closed, with flock(2); waits for who has it, a minute at most. make:
  /// where it isn't there it is made, else nullopt.
  std::optional<sys::UniqueFd> lock_directory(const std::string& path, bool make) const;
  void rename(const std::string& from, const std::string& to) const;
  std::vector<std::string> list(const std::string& path) const;
  bool exists(const std::string& path) const;
  /// Not behind a link.
  bool is_directory(const std::string& path) const;
  /// Removes a directory of ours and all in it. Throws when something stays.
  void remove_tree(const std::string& path) const;

 private:
  struct Place {
    sys::UniqueFd directory;
    std::string name;
  };
  sys::UniqueFd make_directory(const std::string& path) const;
  /// The directory that holds path; nullopt: it isn't there.
  std::optional<Place> find(const std::string& path) const;
  Place make(const std::string& path) const;
  /// The file that a path leads to, through links.
  std::string resolve(const std::string& path) const;

  sys::UniqueFd root_;
};

}  // namespace hookcore::node
