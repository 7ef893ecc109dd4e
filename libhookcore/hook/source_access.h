#pragma once

#include <optional>

#include "libhookcore/base/error.h"
#include "libhookcore/hook/container.h"
#include "libhookcore/overlay/access.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/mount.h"

namespace hookcore::hook {

/// Makes sure that the container's process can write its workspace (SPEC 4, "Ids").
class SourceAccess {
 public:
  /// All references outlive this object.
  SourceAccess(const sys::Proc& proc, const Namespaces& namespaces, const oci::ConfigView& config,
               const overlay::ProcessIds& process)
      : proc_(proc), namespaces_(namespaces), config_(config), process_(process) {}

  /// source: root of a clone of the source. Shows it as the process's by an id map where that is
  /// needed and possible. The refusal where the process could not write.
  /// shift: becomes the map that was put on it.
  std::optional<Error> grant(sys::MountApi& api, sys::UniqueFd& source,
                             overlay::IdShift& shift) const;
  /// The same for a mount that has to stay as it is.
  std::optional<Error> check(int source_fd) const;

 private:
  struct Owner {
    overlay::SourceOwner ids;
    std::optional<uint32_t> inside;  ///< the uid as the container sees it
  };
  Owner owner_of(int source_fd) const;
  bool shift_ids(sys::MountApi& api, sys::UniqueFd& source, const Owner& owner,
                 overlay::IdShift& shift) const;
  std::string remedy(const Owner& owner) const;
  Error refusal(const Owner& owner) const;

  const sys::Proc& proc_;
  const Namespaces& namespaces_;
  const oci::ConfigView& config_;
  const overlay::ProcessIds& process_;
};

}  // namespace hookcore::hook
