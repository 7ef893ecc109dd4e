#pragma once

#include <optional>
#include <string>

#include "libhookcore/optin/request.h"
#include "libhookcore/session/state.h"

/// Which session a container belongs to: decided here and nowhere else, for hooks and for doors.
namespace hookcore::session {

struct Identity {
  Kind kind = Kind::kContainer;
  std::string directory;  ///< name of the session's directory in the store
  /// Kind::kPod: a path that is there for as long as the pod's sandbox; empty where it isn't known.
  std::string pod_bundle;
};

/// What of a container decides about its session.
struct Subject {
  const std::string& container;             ///< id that the engine gave
  const std::string& bundle;                ///< its bundle's path
  const std::optional<std::string>& asked;  ///< the annotation `session`, checked by optin
  const optin::Annotations& annotations;
};

/// The session that was asked for (n-NAME; on Kubernetes k-NAMESPACE.NAME, so that no pod meets
/// another namespace's); else, on Kubernetes, the pod's (p-UID); else the container's own (c-ID).
/// Throws Error(kState) for an id, a namespace or a uid that can't be part of a file name.
Identity identify(const Subject& subject);

}  // namespace hookcore::session
