#pragma once

#include <sys/stat.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libhookcore/doctor/way_trial.h"
#include "libhookcore/settings/settings.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::doctor {

/// The files of a machine, seen from a directory that stands for "/". Paths are absolute and are
/// resolved as chroot would.
class Files {
 public:
  explicit Files(const std::string& root);

  /// nullopt: not there. Throws SystemError for anything else that keeps us from reading it.
  std::optional<std::string> read(const std::string& path) const;
  std::optional<struct ::stat> stat(const std::string& path) const;
  /// An extended attribute; nullopt: none, or none that we may read.
  std::optional<std::string> attribute(const std::string& path, const std::string& name) const;
  /// Names in a directory, sorted by bytes; empty when it isn't there.
  std::vector<std::string> list(const std::string& path) const;
  /// nullopt: not there, or not ours to open.
  std::optional<sys::UniqueFd> open_directory(const std::string& path) const;
  /// Who may own what root's programs trust: the owner of "/".
  uid_t root_uid() const { return root_uid_; }

 private:
  std::optional<sys::UniqueFd> open(const std::string& path, int flags) const;
  sys::UniqueFd root_;
  uid_t root_uid_ = 0;
};

/// What the kernel said; see sys/probe.h.
struct Kernel {
  std::string release;
  std::vector<std::string> missing_calls;
  std::optional<std::string> overlay_failure;
  std::vector<std::string> namespaces = {};  ///< kinds, as procfs names them
};

/// Runs a program (absolute path) to its end and gives what it printed to stdout; nullopt when it
/// can't be started or fails.
using Runner = std::function<std::optional<std::string>(const std::string& program,
                                                        const std::vector<std::string>& arguments)>;

/// oci-cnb-nri, as far as can be seen from outside.
struct NriPlugin {
  bool runs = false;
  std::optional<bool> connected;  ///< nullopt: it doesn't tell, or not us
};

/// All that the checks look at: the real machine, or what a test makes up.
struct Machine {
  Files files;
  std::string root;  ///< directory that files sees as "/", without a slash at the end
  settings::HostUser user;
  std::string home;      ///< of user, root too; may be empty
  std::string programs;  ///< directory of the hook programs that belong to this oci-cnb
  Kernel kernel;
  Runner run;
  std::function<WayAnswer(const WayQuestion&)> try_ways = {};
  std::function<NriPlugin()> find_nri_plugin = {};
  std::map<std::string, std::string> environment = {};  ///< the variables that podman goes by
};

/// The machine we run on. programs: as in Machine.
Machine this_machine(const std::string& programs);

}  // namespace hookcore::doctor
