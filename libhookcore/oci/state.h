#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace hookcore::oci {

using Annotations = std::map<std::string, std::string, std::less<>>;

/// The document a runtime writes to a hook's stdin (runtime-spec, runtime.md "State").
struct State {
  std::string oci_version;
  std::string id;
  std::string status;  ///< "creating" (runc), "created" (crun), "stopped", …
  pid_t pid = 0;  ///< host pid; 0 where the runtime tells none (crun's createContainer, poststop)
  std::string bundle;  ///< absolute; may be "/" under podman's --uidmap, see root
  std::string root;    ///< crun only: the rootfs. Else empty
  Annotations annotations;
};

/// Largest state document that is read, in bytes. Annotations are all that grows in one.
inline constexpr size_t kMaxStateSize = size_t{4} << 20;

/// Throws Error(Code::kState) for text that is truncated, not an object, too large, or whose known
/// fields are missing or of a wrong type. Unknown fields are ignored.
State parse_state(std::string_view json);

}  // namespace hookcore::oci
