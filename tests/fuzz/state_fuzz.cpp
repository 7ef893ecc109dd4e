// A state document: parsed or refused with an Error; what is accepted, nlohmann accepts too.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/oci/state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const hookcore::oci::State state = hookcore::oci::parse_state(text);
    if (!nlohmann::json::accept(text) || state.id.empty() || state.id.find('/') != state.id.npos) {
      std::abort();
    }
  } catch (const hookcore::Error& error) {
    if (error.line().find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
