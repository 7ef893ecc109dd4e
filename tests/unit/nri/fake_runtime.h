#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/nri/frames.h"
#include "libhookcore/nri/nri.pb.h"
#include "libhookcore/nri/ttrpc.h"
#include "libhookcore/nri/ttrpc.pb.h"

/// The runtime's half of NRI, for tests: real frames, read as the Go side reads them.
namespace hookcore::nri {

/// A message that the plugin wrote.
struct Sent {
  uint32_t connection = 0;
  uint32_t stream = 0;
  uint8_t type = 0;
  std::string payload;
};

/// Takes the plugin's bytes apart. Fails the test for a frame that would make the Go side hang up:
/// larger than 4096 bytes, or with bytes of two messages.
class FakeRuntime {
 public:
  std::vector<Sent> receive(std::string_view bytes);
  /// A request to the plugin.
  static std::string request(uint32_t stream, std::string_view method, std::string payload);

 private:
  FrameReader frames_;
  std::string partial_[2];
};

proto::TtrpcResponse response_of(const Sent& sent);

}  // namespace hookcore::nri
