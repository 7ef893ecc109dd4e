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
  /// Directories that go with it, in this order, each when nothing else is in it.
  std::vector<std::string> directories = {};
};

/// Makes them, in this order; owner and mode of a file that is there stay. True: something changed.
bool make_edits(const Host& host, const std::vector<Edit>& edits);

/// What make_edits would do, as `diff -u` prints it and patch(1) takes it; empty: nothing.
std::string diff(const Host& host, const std::vector<Edit>& edits);

}  // namespace hookcore::node
