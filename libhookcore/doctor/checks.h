#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/doctor/finding.h"
#include "libhookcore/doctor/machine.h"
#include "libhookcore/doctor/mounts.h"
#include "libhookcore/doctor/podman_config.h"

/// The single checks. None changes anything, but for check_scratch and check_workspace, which try
/// the scratch directory's file system with a directory that they remove.
namespace hookcore::doctor {

/// An engine or runtime on this machine.
struct Engine {
  std::string name;
  std::string path;     ///< empty: not found
  std::string version;  ///< "5.4.2", or empty where it would not say
  unsigned major = 0;   ///< 0 for unknown
  unsigned minor = 0;
};

/// Looks for those that we know where Debian and Fedora install programs, and asks them for their
/// version.
std::vector<Engine> find_engines(const Machine& machine);
/// nullptr: it isn't here.
const Engine* find(const std::vector<Engine>& engines, std::string_view name);
Findings check_engines(const std::vector<Engine>& engines);

/// config.toml as the hooks read it. Throws Error(kSettings).
settings::Settings load_settings(const Machine& machine);
/// Where the session store is, or is to be.
struct ScratchPlace {
  std::string path;
  std::string existing;  ///< itself, or the nearest directory above it that is there
};
ScratchPlace scratch_place(const Machine& machine, const settings::Settings& settings);

/// served: workspaces can be made in some way.
Findings check_kernel(const Machine& machine, bool served);
Findings check_namespaces(const Machine& machine);
Findings check_fuse(const Machine& machine);
Findings check_cgroups(const Machine& machine);
Findings check_security_modules(const Machine& machine);
/// Nothing, unless this is a guest under macOS or Windows, or a host shares directories with it.
Findings check_guest(const Machine& machine);
std::vector<Mount> read_mounts(const Machine& machine);
Finding about_share(const Mount& share);
/// Engines get user namespaces, and this program doesn't: a plain user's overlay can't be tried.
bool only_engines_get_namespaces(const Machine& machine);
/// One program of ours; loss: what doesn't work without it.
Finding check_program(const Machine& machine, const std::string& path, const char* loss);
Findings check_programs(const Machine& machine);
/// By the digests that dpkg or rpm keeps, where one of them has installed us.
Findings check_package(const Machine& machine);
/// hooks.d: the files in podman's directories and in those that podman shares with others; with
/// podman here also whether it calls us in each stage.
Findings check_hook_files(const Machine& machine, const PodmanConfig& config, bool has_podman);
Findings check_settings(const Machine& machine);

inline constexpr const char* kGoodScratch =
    "set scratch-dir in config.toml to a directory on ext4, xfs, btrfs or tmpfs";
/// What would make a better way serve: never empty.
std::string remedies(const std::vector<WayRefusal>& refusals);
/// "fuse-overlayfs", for people.
const char* name_of(Way way);

struct ScratchReport {
  Findings findings;
  bool served = false;  ///< workspaces can be made there, in some way
};
/// By trying, with a small source on the same file system.
ScratchReport check_scratch(const Machine& machine);
/// Empty, or who else could change it.
Findings check_scratch_owner(const Machine& machine, const ScratchPlace& scratch);
/// Rootless only: subordinate ids (subuid(5)) and the programs that hand them out.
Findings check_subordinate_ids(const Machine& machine);
/// For root: runtime handlers of ours in the configurations of containerd and CRI-O, what they
/// lead to, NRI, and whether the plugin is connected where they need it.
Findings check_pods(const Machine& machine, const std::vector<Engine>& engines);
/// Its part about CRI-O. crio: nullptr where the program isn't found.
Findings check_crio(const Machine& machine, const Engine* crio);
/// Runtimes of ours in dockerd's configuration.
Findings check_docker(const Machine& machine);

/// Who else than root and the user could change this file: empty, or a few words with owner and
/// mode.
std::string untrusted(const Machine& machine, const struct ::stat& status);

}  // namespace hookcore::doctor
