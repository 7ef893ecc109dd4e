#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libhookcore/node/containerd_config.h"
#include "libhookcore/node/edit.h"

/// containerd's configuration on a node: which files there are, and what installing and
/// uninstalling our handler does to them.
namespace hookcore::node {

struct ContainerdPlan {
  std::vector<Edit> edits;
  std::vector<std::string> notes;  ///< what the administrator has to know; one line each
};

/// The handler in the file where it belongs, and nowhere else. Throws Error: see with_handler; a
/// file that is imported by name and isn't there.
ContainerdPlan plan_containerd_handler(const Host& host, const Handler& handler);

/// The handlers, ours and others', of all files that containerd reads. nullopt: it has no
/// configuration. Throws Error as plan_containerd_handler does.
std::optional<FoundConfiguration> read_containerd(const Host& host);

/// Nothing of ours in any of them. Files that can't be read as TOML are searched, too.
std::vector<Edit> plan_containerd_removal(const Host& host);

}  // namespace hookcore::node
