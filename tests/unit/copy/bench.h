#pragma once

#include <map>
#include <string>

#include "libhookcore/copy/copy.h"
#include "libhookcore/copy/manifest.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::copy::testing {

/// ROOT/source, and ROOT/copy, which is made of it.
class Bench {
 public:
  explicit Bench(std::string root);

  std::string path(const std::string& below) const { return root_ + "/" + below; }
  int source() const { return source_.get(); }
  /// A shell script in the source.
  void in_source(const std::string& script) const;

  /// rules: the text of a .dockerignore.
  Result copy(const std::string& rules, const Options& options) const;
  Manifest manifest() const;
  void expect_nothing_left() const;

  /// tree::snapshot of the source without what these paths (or what is below them) hide.
  std::map<std::string, std::string> visible(const std::vector<std::string>& hidden) const;
  std::map<std::string, std::string> copied() const { return tree::snapshot(path("copy")); }

 private:
  std::string root_;
  sys::UniqueFd fd_;
  sys::UniqueFd source_;
};

}  // namespace hookcore::copy::testing
