#include "libhookcore/base/error.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "libhookcore/base/utf8.h"

namespace hookcore {
namespace {

struct CodeInfo {
  Code code;
  std::string_view name;
  int hook_exit;
  int cli_exit;
};

constexpr std::array<CodeInfo, 13> kCodes{{
    {Code::kUsage, "usage", 2, 2},
    {Code::kState, "state", 20, 3},
    {Code::kConfig, "config", 21, 3},
    {Code::kAnnotation, "annotation", 22, 3},
    {Code::kSettings, "settings", 23, 3},
    {Code::kIgnoreFile, "ignore-file", 24, 3},
    {Code::kSource, "source", 25, 3},
    {Code::kLayout, "layout", 26, 3},
    {Code::kEnvironment, "environment", 27, 3},
    {Code::kIds, "ids", 28, 4},
    {Code::kScratch, "scratch", 29, 4},
    {Code::kSession, "session", 30, 4},
    {Code::kSystem, "system", 31, 4},
}};

const CodeInfo& info(Code code) {
  return *std::find_if(kCodes.begin(), kCodes.end(),
                       [code](const CodeInfo& entry) { return entry.code == code; });
}

// C1 controls (U+0080 to U+009F) steer terminals just as C0 does.
bool is_c1_control(std::string_view sequence) {
  return sequence.size() == 2 && sequence[0] == '\xC2' &&
         static_cast<unsigned char>(sequence[1]) < 0xA0;
}

void append_escaped(std::string& out, unsigned char byte) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      break;
  }
  out += "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 0xF];
}

}  // namespace

std::string_view code_name(Code code) { return info(code).name; }
int hook_exit_code(Code code) { return info(code).hook_exit; }
int cli_exit_code(Code code) { return info(code).cli_exit; }

Error::Error(Code code, const std::string& what, std::string where, std::string remedy)
    : std::runtime_error(what), code_(code), where_(std::move(where)), remedy_(std::move(remedy)) {}

std::string Error::line() const {
  std::string out{code_name(code_)};
  out += ": ";
  out += what();
  if (!where_.empty()) out += "; " + where_;
  if (!remedy_.empty()) out += "; " + remedy_;
  return out;
}

namespace {

std::string remedy_of(int error_number, std::string remedy) {
  if (error_number != ENOSYS || !remedy.empty()) return remedy;
  return "this kernel lacks the call, or a filter hides it: `oci-cnb doctor` tells which it needs";
}

}  // namespace

SystemError::SystemError(std::string_view operation, std::string_view object, int error_number,
                         Code code, std::string remedy)
    : Error(code, std::string(operation) + ": " + std::strerror(error_number), quote(object),
            remedy_of(error_number, std::move(remedy))),
      error_number_(error_number) {}

Error as_error(const std::exception& exception) {
  if (const auto* const error = dynamic_cast<const Error*>(&exception)) return *error;
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) {
    return {Code::kSystem, "out of memory"};
  }
  return {Code::kSystem, std::string("internal error: ") + exception.what(), "",
          "please report this line"};
}

std::string quote(std::string_view bytes, size_t max) {
  std::string out = "\"";
  const std::string_view shown = bytes.substr(0, max);
  for (size_t i = 0; i < shown.size();) {
    const auto byte = static_cast<unsigned char>(shown[i]);
    const size_t length = utf8_length(shown.substr(i));
    const bool plain =
        length > 1 ? !is_c1_control(shown.substr(i, length))
                   : length == 1 && byte >= 0x20 && byte != 0x7F && byte != '"' && byte != '\\';
    if (plain) {
      out += shown.substr(i, length);
      i += length;
    } else {
      append_escaped(out, byte);
      ++i;
    }
  }
  out += bytes.size() > max ? "...\"" : "\"";
  return out;
}

// Letters that are missing, too many, wrong, or exchanged with their neighbour count 1 each.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitution});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace hookcore
