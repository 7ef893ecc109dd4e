#pragma once

#include <array>
#include <string_view>

/// The rules of the guarantee, each by the id under which `spec validate`, its manual page and the
/// hooks' log know it.
namespace hookcore::environment {

/// One rule that a config.json may break.
struct Rule {
  std::string_view id;             ///< stable
  std::string_view specification;  ///< where the rule comes from
  std::string_view meaning;        ///< what has to be so
};

namespace rules {

// Of a container that opted in.
inline constexpr Rule kAnnotation{"annotation", "oci-cnb-hooks(7), Annotations",
                                  "every io.cnb.hooks annotation is known, with a known value"};
inline constexpr Rule kProcess{"process", "runtime-spec, config.md, Process",
                               "there is a process to be started"};
inline constexpr Rule kCwd{"cwd", "RFC 0060, 3.2 Process Configuration",
                           "the process starts in the workspace"};
inline constexpr Rule kEnvMissing{"env-missing", "RFC 0060, 3.6 Environment Variables",
                                  "the variables of the role are set"};
inline constexpr Rule kEnvDuplicate{"env-duplicate", "RFC 0060, 3.6 Environment Variables",
                                    "no variable is set twice"};
inline constexpr Rule kEnvPlatformApi{"env-platform-api", "RFC 0060, 3.6 Environment Variables",
                                      "CNB_PLATFORM_API is a version N.M"};
inline constexpr Rule kEnvExperimentalMode{
    "env-experimental-mode", "RFC 0060, 3.6 Environment Variables",
    "CNB_EXPERIMENTAL_MODE is one that lifecycles know, and only in build phases"};
inline constexpr Rule kEnvAppDir{"env-app-dir", "RFC 0060, 3.6 Environment Variables",
                                 "CNB_APP_DIR names the workspace"};
inline constexpr Rule kEnvRegistryAuth{"env-registry-auth", "RFC 0060, 3.6 Environment Variables",
                                       "buildpacks see no credentials of a registry"};
inline constexpr Rule kBuildSession{
    "build-session", "oci-cnb-hooks(7), session",
    "a phase of the lifecycle that runs by itself has a session, or mounts that the next one sees"};
inline constexpr Rule kMaskedPath{
    "masked-path", "runtime-spec, config-linux.md, Masked Paths",
    "neither maskedPaths nor readonlyPaths hide a directory of the environment"};
inline constexpr Rule kWorkspaceMount{"workspace-mount", "RFC 0060, 3.1 The Filesystem Layout",
                                      "the source is mounted at the workspace"};
inline constexpr Rule kLayersReadonly{"layers-readonly", "RFC 0060, 3.1 The Filesystem Layout",
                                      "a mount at /layers can be written"};
inline constexpr Rule kHooks{"hooks", "RFC 0060, 3.2 Process Configuration",
                             "something calls the mount hook"};

// Of any container.
inline constexpr Rule kMountProc{"mount-proc", "runtime-spec, config-linux.md, Default Filesystems",
                                 "/proc is proc, and writable"};
inline constexpr Rule kMountSys{"mount-sys", "runtime-spec, config-linux.md, Default Filesystems",
                                "/sys is sysfs, or the host's"};
inline constexpr Rule kMountDev{"mount-dev", "runtime-spec, config-linux.md, Default Filesystems",
                                "/dev is a tmpfs, or a bind"};
inline constexpr Rule kMountDevPts{"mount-dev-pts",
                                   "runtime-spec, config-linux.md, Default Filesystems",
                                   "/dev/pts is devpts, or a bind"};
inline constexpr Rule kMountDevShm{"mount-dev-shm",
                                   "runtime-spec, config-linux.md, Default Filesystems",
                                   "/dev/shm is a writable tmpfs, or a bind"};
inline constexpr Rule kMountTmp{"mount-tmp", "RFC 0060, 3.2 Mounts",
                                "/tmp can be written by everybody, and programs run there"};
inline constexpr Rule kMountOrder{"mount-order", "runtime-spec, config.md, Mounts",
                                  "no mount is hidden by a later one above it"};
inline constexpr Rule kMountTwice{"mount-twice", "runtime-spec, config.md, Mounts",
                                  "nothing is mounted twice at one place: the last one counts"};
inline constexpr Rule kMountDevPtsGid{"mount-dev-pts-gid",
                                      "runtime-spec, config-linux.md, User namespace mappings",
                                      "the gid of /dev/pts is mapped"};
inline constexpr Rule kMountSysNetwork{
    "mount-sys-network", "runtime-spec, config-linux.md, User namespace mappings",
    "a user namespace that mounts sysfs has a network namespace of its own"};
inline constexpr Rule kIds{"ids", "runtime-spec, config-linux.md, User namespace mappings",
                           "the ids of the process, CNB_USER_ID and CNB_GROUP_ID are mapped"};
inline constexpr Rule kIdMappings{"id-mappings",
                                  "runtime-spec, config-linux.md, User namespace mappings",
                                  "a user namespace has mappings, which don't overlap"};

}  // namespace rules

/// All of them, in the order of the manual page.
inline constexpr std::array<Rule, 26> kRules = {
    rules::kAnnotation,
    rules::kProcess,
    rules::kCwd,
    rules::kEnvMissing,
    rules::kEnvDuplicate,
    rules::kEnvPlatformApi,
    rules::kEnvExperimentalMode,
    rules::kEnvAppDir,
    rules::kEnvRegistryAuth,
    rules::kBuildSession,
    rules::kMaskedPath,
    rules::kWorkspaceMount,
    rules::kLayersReadonly,
    rules::kHooks,
    rules::kMountProc,
    rules::kMountSys,
    rules::kMountDev,
    rules::kMountDevPts,
    rules::kMountDevShm,
    rules::kMountTmp,
    rules::kMountOrder,
    rules::kMountTwice,
    rules::kMountDevPtsGid,
    rules::kMountSysNetwork,
    rules::kIds,
    rules::kIdMappings,
};

}  // namespace hookcore::environment
