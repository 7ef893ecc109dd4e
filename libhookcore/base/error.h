#pragma once

#include <cerrno>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hookcore {

/// Every way in which a program of this project fails. The name (code_name) is stable and
/// documented in README; a hook exits with hook_exit_code, `oci-cnb` with cli_exit_code.
enum class Code {
  kUsage,        ///< wrong command line
  kState,        ///< the OCI state document on stdin
  kConfig,       ///< config.json of the bundle
  kAnnotation,   ///< an io.cnb.hooks.* annotation
  kSettings,     ///< /etc/oci-cnb-hooks/config.toml or the user's
  kIgnoreFile,   ///< .dockerignore and its like
  kSource,       ///< no mount at the workspace path, or one that can't serve
  kLayout,       ///< /workspace, /layers, /cnb or /platform in the image
  kEnvironment,  ///< cwd, environment or standard mounts not as guaranteed
  kIds,          ///< the process could not write its workspace
  kScratch,      ///< the upper's place: unfit file system, full, not ours
  kSession,      ///< session state: locked, broken, in use
  kSystem,       ///< the kernel refused a call
};

/// The stable, documented name, for example "ignore-file".
std::string_view code_name(Code code);
/// Exit code of a hook: distinct for each Code, since crun shows nothing but this number.
int hook_exit_code(Code code);
/// Exit code of `oci-cnb`: 2 wrong usage, 3 bad input, 4 the system refused (SPEC 9).
int cli_exit_code(Code code);

/// A failure that a person has to understand: what happened, where (path, file and line), what to
/// do about it. One line each; text from outside is quoted by the thrower (see quote()).
class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& what, std::string where = {}, std::string remedy = {});

  Code code() const { return code_; }
  const std::string& where() const { return where_; }
  const std::string& remedy() const { return remedy_; }
  /// "CODE: what; where; what to do", without parts that are empty.
  std::string line() const;

 private:
  Code code_;
  std::string where_;
  std::string remedy_;
};

/// A system call that failed: Error with operation, object and errno in its text.
class SystemError : public Error {
 public:
  /// operation: the call ("openat2"); object: the path or fd it acted on, quoted here. remedy:
  /// where it is empty, ENOSYS has one of its own.
  SystemError(std::string_view operation, std::string_view object, int error_number,
              Code code = Code::kSystem, std::string remedy = {});
  int error_number() const { return error_number_; }

 private:
  int error_number_;
};

/// What a program tells of any exception that ends it: one that is no Error is a mistake of ours,
/// unless memory ran out.
Error as_error(const std::exception& exception);

/// Bytes from outside, fit for one line of a terminal or log: in double quotes, with control
/// characters, quotes, backslashes and invalid UTF-8 escaped, cut at max bytes.
std::string quote(std::string_view bytes, size_t max = 256);

/// The candidate nearest to word by edit distance, or empty when none is close.
template <typename Range>
std::string_view nearest(std::string_view word, const Range& candidates);

size_t edit_distance(std::string_view a, std::string_view b);

template <typename Range>
std::string_view nearest(std::string_view word, const Range& candidates) {
  std::string_view best;
  size_t best_distance = word.size() / 2 + 2;
  for (std::string_view candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace hookcore
