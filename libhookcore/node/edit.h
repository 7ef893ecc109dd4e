#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libhookcore/node/host.h"

/// Changes to files that others own as well: planned, shown, and made.
namespace hookcore::node {

/// What a file is to be.
struct Edit {
  std::string path;                  ///< on the host
  std::optional<std::string> bytes;  ///< nullopt: gone
  bool with_directory = false;       ///< its directory goes too, when nothing else is in it
};

/// Makes them, in this order; owner and mode of a file that is there stay. True: something changed.
bool make_edits(const Host& host, const std::vector<Edit>& edits);

}  // namespace hookcore::node
