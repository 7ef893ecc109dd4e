// What sessions keep on disk: state.json, the journal of apply and the manifest of a copy. All are
// ours, and a power cut may leave anything in them. What is read is written the same again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libhookcore/changes/journal.h"
#include "libhookcore/copy/manifest.h"
#include "libhookcore/session/state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto state = hookcore::session::parse_session_state(text)) {
    const std::string written = hookcore::session::format_state(*state);
    const auto again = hookcore::session::parse_session_state(written);
    if (!again || hookcore::session::format_state(*again) != written) std::abort();
  }
  std::string lines;
  const auto contents = hookcore::changes::Journal::parse(text);
  for (const auto& [device, inode, seconds, nanoseconds] : contents.known) {
    lines += std::to_string(device) + " " + std::to_string(inode) + " " + std::to_string(seconds) +
             " " + std::to_string(nanoseconds) + "\n";
  }
  for (const auto& [device, inode] : contents.begun) {
    lines += std::to_string(device) + " " + std::to_string(inode) + "\n";
  }
  if (hookcore::changes::Journal::parse(lines) != contents) std::abort();
  if (const auto manifest = hookcore::copy::Manifest::parse(text)) {
    const std::string written = manifest->format();
    const auto again = hookcore::copy::Manifest::parse(written);
    if (!again || again->format() != written) std::abort();
  }
  return 0;
}
