#pragma once

#include <optional>
#include <string>
#include <string_view>
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

/// A line of a file of ours for each directory that wasn't there: it goes with the file.
inline constexpr const char* kMadeDirectory = "# made: ";

/// Those above path that aren't there, the deepest first; of a file that is there, as it says.
std::vector<std::string> made_directories(const Host& host, const std::string& path);

/// They as the lines of such a file.
std::string made_lines(const std::vector<std::string>& directories);

/// Throws Error(kSettings): a file is at path that doesn't begin as ours do.
void require_ours(const Host& host, const std::string& path, std::string_view header);

/// Makes them, in this order; owner and mode of a file that is there stay. True: something changed.
bool make_edits(const Host& host, const std::vector<Edit>& edits);

/// What make_edits would do, as `diff -u` prints it and patch(1) takes it; empty: nothing.
std::string diff(const Host& host, const std::vector<Edit>& edits);

/// The directories that would go with them.
std::vector<std::string> removed_directories(const Host& host, const std::vector<Edit>& edits);

}  // namespace hookcore::node
