#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/session/store.h"

/// What people call a session, whose directory has a name of its own (identity.h).
namespace hookcore::session {

/// Of a session whose state can't be read: its directory's name tells.
Kind kind_of(const std::string& directory);

/// The name that people know: of the annotation, the pod's uid, the container's id. Of k-NS.NAME it
/// is NS.NAME.
std::string own_name(const std::string& directory);

/// The directory among those given that is meant: one of this name, else the one whose own name it
/// is (of k-NS.NAME also NAME alone), or that of a container whose id begins so, unless it is
/// another's whole id. nullopt where there is none. Throws Error(kSession) that names them where
/// there are several: somebody may have called a session as another container begins.
std::optional<std::string> pick(const std::string& given,
                                const std::vector<std::string>& directories);

/// The same among the sessions that there are; none is Error(kSession).
std::string resolve(const Store& store, const std::string& given);
/// The error that says so.
Error no_session(const std::string& given);

}  // namespace hookcore::session
