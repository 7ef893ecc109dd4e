// oci-cnb explain: what a failure means, by its code, or by the last one that was logged.
#include "hooks/cli/explain_command.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/cli/log_text.h"
#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/base/text.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/report/advice.h"

namespace hookcore::cli {
namespace {

using report::Advice;
using report::CodeAdvice;
using Sections = std::vector<CodeAdvice>;

/// By name, or by a hook's exit code.
const CodeAdvice* find_section(const Sections& sections, std::string_view wanted) {
  for (const CodeAdvice& section : sections) {
    const bool by_number = !section.numbers.empty() && section.numbers.front() == wanted;
    if (by_number || section.code == wanted) return &section;
  }
  return nullptr;
}

std::string rows_text(const std::vector<Advice>& rows) {
  std::string text;
  for (const Advice& row : rows) {
    text.append("\n").append(style().bold).append(row.message).append(style().reset);
    text.append("\n     why:  ").append(row.cause).append("\n     mend: ").append(row.remedy);
    text += "\n";
  }
  return text;
}

std::string section_text(const CodeAdvice& section) {
  std::string numbers;
  if (section.numbers.size() == 1) numbers = "oci-cnb exits with " + section.numbers[0];
  if (section.numbers.size() > 1) {
    numbers = "a hook exits with " + section.numbers[0] + ", oci-cnb with " + section.numbers[1];
  }
  return section.code + ": " + section.about + "\n" + (numbers.empty() ? "" : numbers + "\n") +
         rows_text(section.rows);
}

/// TIME PROGRAM CONTAINER error CODE: what; where; what to do
std::string_view code_of(std::string_view line) {
  for (int field = 0; field < 3; ++field) take_part(line, ' ');
  return take_part(line, ' ') == "error" ? line.substr(0, line.find(": ")) : std::string_view();
}

/// The last line of a failure that has a section; empty: there is none.
std::string_view last_failure(std::string_view log, const Sections& sections) {
  while (!log.empty()) {
    const std::string_view line = take_last_line(log);
    if (find_section(sections, code_of(line)) != nullptr) return line;
  }
  return {};
}

std::string logged() {
  const auto store = session::Store::open_existing(hook::Home::find().store_root);
  return store ? read_log(*store) : std::string();
}

[[noreturn]] void refuse(const Sections& sections, const std::string& wanted) {
  std::vector<std::string_view> codes;
  for (const CodeAdvice& section : sections) codes.push_back(section.code);
  const std::string_view near = nearest(wanted, codes);
  throw Error(Code::kUsage, "neither a code nor a container in the log: " + quote(wanted), {},
              near.empty() ? "`oci-cnb session log` shows which there are"
                           : "did you mean " + quote(near) + "?");
}

void explain(const std::string& wanted) {
  const Sections sections = report::parse_errors_page(report::errors_page());
  if (const CodeAdvice* section = find_section(sections, wanted)) {
    return print(section_text(*section));
  }
  const std::string log = select_log(logged(), wanted);
  if (log.empty() && !wanted.empty()) refuse(sections, wanted);
  const std::string_view line = last_failure(log, sections);
  if (line.empty()) {
    return print(
        "no failure is in the log; a container that runs and sees all files has not opted in, or "
        "its engine calls no hooks: `oci-cnb doctor`\n");
  }
  const CodeAdvice& section = *find_section(sections, code_of(line));
  print(printable(line) + "\n" + rows_text(report::advice_for(section, line)));
}

}  // namespace

void add_explain_command(Command app) {
  const Command command =
      app.command("explain", "Why a container was refused, and what to do about it");
  const auto wanted = std::make_shared<std::string>();
  command.option("WHAT", *wanted,
                 "A code, an exit code of a hook, a container or a session (default: the last "
                 "failure of all)");
  command.callback([wanted] { explain(*wanted); });
}

}  // namespace hookcore::cli
