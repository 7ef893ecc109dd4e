#include "hooks/cli/source.h"

#include <fcntl.h>

#include <optional>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::cli {
namespace {

sys::UniqueFd open_named(const std::string& path, int flags, Code code, const char* remedy) {
  const int fd = sys::open_at_raw(AT_FDCWD, path, flags, sys::Resolve::kHost);
  if (fd < 0) throw SystemError("open", path, -fd, code, remedy);
  return sys::UniqueFd(fd);
}

}  // namespace

Source open_source(const std::string& directory, const std::string& ignore_file) {
  sys::UniqueFd fd = open_named(directory, O_RDONLY | O_DIRECTORY, Code::kSource,
                                "name the directory of an application");
  if (ignore_file.empty()) {
    ignore::RuleSet rules = ignore::load_rules(fd.get(), std::nullopt);
    return {std::move(fd), std::move(rules)};
  }
  const sys::UniqueFd file =
      open_named(ignore_file, O_RDONLY | O_NONBLOCK | O_NOCTTY, Code::kIgnoreFile,
                 "--ignore-file is relative to where you are");
  ignore::RuleSet rules = ignore::load_rules_from(file.get(), ignore_file);
  return {std::move(fd), std::move(rules)};
}

}  // namespace hookcore::cli
