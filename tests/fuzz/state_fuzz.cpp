// A state document: parsed or refused with an Error; what is accepted, nlohmann accepts too.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/oci/state.h"

namespace {

bool is_json(const std::string& text) {
  try {
    [[maybe_unused]] const auto document = nlohmann::json::parse(text);
  } catch (const nlohmann::json::out_of_range&) {
    return true;  // a number beyond a double is JSON all the same
  } catch (const nlohmann::json::parse_error&) {
    return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const hookcore::oci::State state = hookcore::oci::parse_state(text);
    if (!is_json(text) || state.id.empty() || state.id.find('/') != state.id.npos) {
      std::abort();
    }
  } catch (const hookcore::Error& error) {
    if (error.line().find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
