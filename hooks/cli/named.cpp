#include "hooks/cli/named.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "libhookcore/sys/file.h"

namespace hookcore::cli {

std::string real_path(const std::string& path, Code code) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (real == nullptr) throw SystemError("open", path, errno, code);
  return real.get();
}

Source open_source(const std::string& directory, const std::string& ignore_file) {
  sys::UniqueFd fd = sys::open_named(directory, O_RDONLY | O_DIRECTORY, Code::kSource,
                                     "name the directory of an application");
  if (ignore_file.empty()) {
    ignore::RuleSet rules = ignore::load_rules(fd.get(), std::nullopt);
    return {std::move(fd), std::move(rules)};
  }
  const sys::UniqueFd file =
      sys::open_named(ignore_file, O_RDONLY | O_NONBLOCK | O_NOCTTY, Code::kIgnoreFile,
                      "--ignore-file is relative to where you are");
  ignore::RuleSet rules = ignore::load_rules_from(file.get(), ignore_file);
  return {std::move(fd), std::move(rules)};
}

}  // namespace hookcore::cli
