#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What packaging/doc/errors.md has to say of a failure. For people: hooks only write their line.
namespace hookcore::report {

/// A row: a part of the messages that it is about, and plain text of both other columns.
struct Advice {
  std::string message;
  std::string cause;
  std::string remedy;
};

/// A section: one code.
struct CodeAdvice {
  std::string code;  ///< "ids"
  std::vector<std::string>
      numbers;        ///< a hook's exit code, then that of oci-cnb; or the latter alone
  std::string about;  ///< "the container's process could not write its workspace."
  std::vector<Advice> rows;
};

/// The page as it was when this program was built.
std::string_view errors_page();

/// Its sections, in its order.
std::vector<CodeAdvice> parse_errors_page(std::string_view page);

/// The rows whose message is a part of line; all of them where there is none.
std::vector<Advice> advice_for(const CodeAdvice& section, std::string_view line);

}  // namespace hookcore::report
