#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

namespace hookcore::copy {

/// What became of an entry's metadata.
struct Kept {
  bool owner = true;
  bool attributes = true;
};

/// Owner, attributes, mode and times of an open file or directory; in this order, since each takes
/// away what the ones before would have set: a new owner the capabilities and set-id bits, an
/// access list the mode. Throws SystemError.
Kept keep_metadata(int from, const struct ::stat& status, int to, std::string_view path);

/// Of what can't be opened: a link, a FIFO, a node. Such have no attributes that a user sets, but
/// for access lists of the machine's root.
Kept keep_metadata_at(const struct ::stat& status, int directory, const std::string& name,
                      std::string_view path);

}  // namespace hookcore::copy
