#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "libhookcore/sys/fd.h"

namespace hookcore::runtime {

/// A document of an engine: read once, perhaps replaced.
class Document {
 public:
  /// nullopt when there is none: the runtime says so better. Throws Error(Code::kConfig) for one
  /// that can't be read.
  static std::optional<Document> open(const std::string& directory, const std::string& name);
  static std::optional<Document> open(const std::string& path);

  const std::string& text() const { return text_; }
  const std::string& where() const { return where_; }
  /// Whether it may be about us at all: false only when no reader of JSON could find an annotation
  /// or a variable of ours in it. Spares everybody else's containers a parser.
  bool may_mention_us() const;
  /// Puts text in its place, atomically, with the owner and mode that it had. Throws
  /// Error(Code::kConfig) where it isn't a regular file by itself.
  void replace(const std::string& text) const;

 private:
  sys::UniqueFd directory_;
  std::string name_;
  std::string where_;
  std::string text_;
  struct stat status_ {};
};

}  // namespace hookcore::runtime
