#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libhookcore/optin/annotations.h"

/// What a container asks for in its io.cnb.hooks.* annotations. Values come from whoever may start
/// a container (or, with podman < 4.6, from an image): they name no host path, and every one is
/// checked against a closed set or a narrow pattern here.
namespace hookcore::optin {

enum class Role { kDev, kBuild, kDetect, kLaunch };
enum class WorkspaceMode { kOverlay, kReadonly, kLive };
enum class Enforce { kStrict, kWarn };

/// Where the upper lives.
struct Scratch {
  bool tmpfs = false;
  std::optional<uint64_t> size_bytes;  ///< tmpfs only; absent: the kernel's default (half of RAM)

  bool operator==(const Scratch&) const = default;
};

/// What counts where an annotation is silent: from the administrator's configuration.
struct Defaults {
  Scratch scratch;
  Enforce enforce = Enforce::kStrict;
  bool debug = false;
};

struct Request {
  Role role = Role::kDev;
  WorkspaceMode workspace = WorkspaceMode::kOverlay;
  std::string workspace_path = "/workspace";  ///< absolute, normalised, not "/"
  std::optional<std::string> ignore_file;     ///< relative to the source, without ".."
  std::optional<std::string> session;
  std::optional<std::string> platform_api;       ///< N.M
  std::optional<std::string> experimental_mode;  ///< error, warn, quiet or silent
  Scratch scratch;
  bool keep_cwd = false;
  Enforce enforce = Enforce::kStrict;
  bool debug = false;
};

/// What may follow kPrefix.
std::span<const std::string_view> annotation_names();

/// nullopt: not opted in (no role, or a pod's sandbox, which is given the annotations of its pod),
/// leave the container alone. For one name, io.cnb.hooks.NAME/container.CONTAINER wins over
/// io.cnb.hooks.NAME/pod over io.cnb.hooks.NAME; CONTAINER is container_name(). Throws
/// Error(Code::kAnnotation), naming the nearest valid one, for an unknown key below our prefix
/// (with or without a role: it is a slip of the pen) and, once there is a role, for a bad value.
std::optional<Request> parse_request(const Annotations& annotations, const Defaults& defaults = {});

/// The annotations of ours that count for this container, under their bare keys: what a door hands
/// on where a pod's annotations don't reach the container by themselves. Throws as parse_request
/// does for an unknown key; values aren't looked at.
Annotations resolve(const Annotations& annotations);

/// Value parsers, shared with the configuration file. nullopt for anything else than a valid one.
std::optional<Role> parse_role(std::string_view text);
std::optional<Enforce> parse_enforce(std::string_view text);
/// "disk", "tmpfs", "tmpfs:SIZE" with SIZE in bytes or with k, m, g, t (powers of 1024).
std::optional<Scratch> parse_scratch(std::string_view text);
/// Bytes, not 0, or with k, m, g, t (powers of 1024).
std::optional<uint64_t> parse_size(std::string_view text);
/// "info" (false) or "debug" (true).
std::optional<bool> parse_log(std::string_view text);
/// `N.M`, the form of CNB_PLATFORM_API.
bool is_platform_api(std::string_view text);
/// One of error, warn, quiet, silent.
bool is_experimental_mode(std::string_view text);

std::string_view name(Role role);
std::string_view name(WorkspaceMode mode);
std::string_view name(Enforce enforce);

}  // namespace hookcore::optin
