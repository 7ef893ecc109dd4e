#pragma once

#include <string>

#include "libhookcore/changes/subject.h"

namespace hookcore::cli {

/// `oci-cnb session export`: the changes as a layer, to file, or to stdout if that is empty. False
/// when a layer can't hold everything, which is told on stderr.
bool export_changes(const changes::Subject& subject, const std::string& file);

}  // namespace hookcore::cli
