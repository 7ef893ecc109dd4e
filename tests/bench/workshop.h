#pragma once

#include <string>

namespace bench {

/// A directory of this run in TMPDIR, removed with all that is in it.
class Workshop {
 public:
  Workshop();
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  ~Workshop();

  /// Made, which it must not be before.
  std::string directory(const std::string& name) const;
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  void remove(const std::string& name) const;

 private:
  std::string path_;
};

}  // namespace bench
