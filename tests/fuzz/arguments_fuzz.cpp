// A runtime's command line: whatever the words, what is read of it stands in them, and words behind
// the command of an exec are the container's.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libhookcore/runtime/arguments.h"

namespace {

using hookcore::runtime::Dialect;
using hookcore::runtime::Invocation;
using hookcore::runtime::Words;

/// A word a line; NUL can't be in one.
Words words_of(std::string_view text) {
  Words words;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(std::string_view("\n\0", 2)), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

bool stands_in(std::string_view value, const Words& words) {
  return value.empty() || std::any_of(words.begin(), words.end(), [&](std::string_view word) {
           return value.data() >= word.data() &&
                  value.data() + value.size() <= word.data() + word.size();
         });
}

bool same(const Invocation& a, const Invocation& b) {
  return a.command == b.command && a.root == b.root && a.log == b.log &&
         a.log_format == b.log_format && a.bundle == b.bundle && a.config == b.config &&
         a.process == b.process && a.has_cwd == b.has_cwd && a.env == b.env &&
         a.options_at == b.options_at && a.id == b.id;
}

void check(const Words& words, Dialect dialect) {
  const Invocation call = parse_arguments(words, dialect);
  for (const std::string_view value :
       {call.command, call.root.value_or(""), call.log.value_or(""), call.log_format,
        call.bundle.value_or(""), call.config.value_or(""), call.process.value_or(""), call.id}) {
    if (!stands_in(value, words)) std::abort();
  }
  for (const std::string_view entry : call.env) {
    if (!stands_in(entry, words)) std::abort();
  }
  if (call.options_at > words.size()) std::abort();
  if (!call.command.empty() && words[call.options_at - 1] != call.command) std::abort();
  if (call.command != "exec" || call.id.empty()) return;
  Words longer = words;
  longer.insert(longer.end(), {"sh", "--process", "/evil", "--root=/evil", "--help"});
  if (!same(call, parse_arguments(longer, dialect))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Words words = words_of(text);
  check(words, Dialect::kGo);
  check(words, Dialect::kGetopt);
  return 0;
}
