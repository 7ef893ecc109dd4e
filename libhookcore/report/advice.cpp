#include "libhookcore/report/advice.h"

#include <algorithm>
#include <iterator>

#include "libhookcore/base/text.h"

namespace hookcore::report {
namespace {

constexpr std::string_view kHeading = "## ";
constexpr std::string_view kRow = "| `";

/// Links as their text, code without its marks.
std::string plain(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '`' || c == '[') continue;
    if (c == ']' && text.substr(at + 1).starts_with('(')) {
      at = std::min(text.find(')', at), text.size());
      continue;
    }
    out += c;
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// "| `message` | cause | remedy |"
Advice parse_row(std::string_view line) {
  take_part(line, '|');
  const auto cell = [&line] { return trimmed(take_part(line, '|')); };
  const std::string_view message = cell();
  const std::string_view cause = cell();
  return {std::string(message.substr(1, message.size() - 2)), plain(cause), plain(cell())};
}

std::vector<std::string> numbers_of(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  std::vector<std::string> numbers;
  while (true) {
    text.remove_prefix(std::min(text.find_first_of(kDigits), text.size()));
    if (text.empty()) return numbers;
    const size_t end = std::min(text.find_first_not_of(kDigits), text.size());
    numbers.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

/// "A hook exits with 20, `oci-cnb` with 3: the runtime's state document."
void parse_prose(CodeAdvice& section, std::string_view line) {
  if (line.empty() || line.starts_with('|')) return;
  if (section.numbers.empty()) {
    section.numbers = numbers_of(take_part(line, ':'));
    line = trimmed(line);
  }
  section.about += (section.about.empty() ? "" : " ") + plain(line);
}

}  // namespace

std::vector<CodeAdvice> parse_errors_page(std::string_view page) {
  std::vector<CodeAdvice> sections;
  while (!page.empty()) {
    const std::string_view line = take_part(page, '\n');
    if (line.starts_with(kHeading)) {
      sections.emplace_back().code = line.substr(kHeading.size());
    } else if (sections.empty()) {
      continue;
    } else if (line.starts_with(kRow)) {
      sections.back().rows.push_back(parse_row(line));
    } else {
      parse_prose(sections.back(), line);
    }
  }
  return sections;
}

std::vector<Advice> advice_for(const CodeAdvice& section, std::string_view line) {
  std::vector<Advice> rows;
  std::copy_if(section.rows.begin(), section.rows.end(), std::back_inserter(rows),
               [line](const Advice& row) { return line.find(row.message) != line.npos; });
  return rows.empty() ? section.rows : rows;
}

}  // namespace hookcore::report
