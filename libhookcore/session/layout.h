#pragma once

#include <string_view>

/// Names on disk. Other versions of the hooks know them too: none gets another meaning.
///
///   ROOT/                    0700, ours
///     log/                   hooks.log (report::Log)
///     upper-probed           what hook::UpperProbe has found out in this boot
///     ways-tried             what WayBook has
///     bundles/               containers of `oci-cnb run`
///     sessions/NAME/         one session: state.json, helper.json, layers/, and upper/ and work/,
///                            or, where the workspace is a copy, copy/
///     spare/                 an empty session that the next new one begins with
///     trash/                 sessions on their way out: renamed here first, then removed
///
/// The directory sessions/NAME is its own lock (flock(2)).
namespace hookcore::session {

inline constexpr const char* kLogName = "log";
inline constexpr const char* kWayBookFile = "ways-tried";
inline constexpr const char* kBundlesName = "bundles";
inline constexpr const char* kSessionsName = "sessions";
inline constexpr const char* kSpareName = "spare";
inline constexpr const char* kTrashName = "trash";

inline constexpr const char* kStateFile = "state.json";
inline constexpr const char* kHelperFile = "helper.json";

/// How NAME begins (identity.h).
inline constexpr std::string_view kContainerPrefix = "c-";   ///< c-ID
inline constexpr std::string_view kNamedPrefix = "n-";       ///< n-NAME
inline constexpr std::string_view kNamespacedPrefix = "k-";  ///< k-NAMESPACE.NAME: on Kubernetes
inline constexpr std::string_view kPodPrefix = "p-";         ///< p-UID
/// preview-PID-TIME, of `oci-cnb preview`; people call it by all of that.
inline constexpr std::string_view kPreviewPrefix = "preview-";

}  // namespace hookcore::session
