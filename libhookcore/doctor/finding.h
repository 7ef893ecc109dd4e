#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hookcore::doctor {

enum class Status {
  kOk,
  kWarning,  ///< works, but not as well, or not in every case
  kFailure,  ///< something that is promised won't work
};

/// What one check found. One line each; text from outside is quoted.
struct Finding {
  Status status = Status::kOk;
  std::string check;  ///< stable, for example "hook-files"
  std::string what;
  std::string why;   ///< why it matters; empty when all is well
  std::string mend;  ///< a command, or what else to do; empty when all is well
};

using Findings = std::vector<Finding>;

/// "one, other", or with another separator.
inline std::string listed(const std::vector<std::string>& words, const char* separator = ", ") {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

inline Finding ok(std::string check, std::string what) {
  return {Status::kOk, std::move(check), std::move(what), {}, {}};
}
inline Finding warning(std::string check, std::string what, std::string why, std::string mend) {
  return {Status::kWarning, std::move(check), std::move(what), std::move(why), std::move(mend)};
}
inline Finding failure(std::string check, std::string what, std::string why, std::string mend) {
  return {Status::kFailure, std::move(check), std::move(what), std::move(why), std::move(mend)};
}

}  // namespace hookcore::doctor
