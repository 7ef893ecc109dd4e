#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libhookcore/changes/tar.h"
#include "libhookcore/changes/walk.h"

namespace hookcore::changes {

struct ExportOptions {
  /// Times later than this (seconds since 1970) are written as this: reproducible-builds.org,
  /// SOURCE_DATE_EPOCH.
  std::optional<int64_t> latest_time;
  using IdMap = std::vector<sys::IdRange>;  ///< ids inside -> outside; empty: the same
  /// Of the user namespaces between us and the container, the outermost first.
  std::vector<IdMap> uids;
  std::vector<IdMap> gids;
  std::function<void(uint64_t entries)> progress;
};

/// Writes the changes as a layer of an image (OCI image-spec, layer.md): what is new or changed
/// with the directories above it, whiteouts for what is gone. Equal uppers give equal archives.
/// Returns what a layer can't hold, a line each. Throws SystemError; a file that changes meanwhile
/// is Error(kSession).
std::vector<std::string> export_layer(const Layers& layers, const ExportOptions& options,
                                      const TarWriter::Sink& sink);

}  // namespace hookcore::changes
