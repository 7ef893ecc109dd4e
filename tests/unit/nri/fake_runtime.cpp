#include "tests/unit/nri/fake_runtime.h"

#include <gtest/gtest.h>

#include "libhookcore/nri/plugin.h"

namespace hookcore::nri {

std::vector<Sent> FakeRuntime::receive(std::string_view bytes) {
  constexpr size_t kHeader = 10;
  std::vector<Sent> messages;
  frames_.append(bytes);
  Frame frame;
  while (frames_.next(frame)) {
    EXPECT_LE(frame.payload.size(), kMaxFramePayload);
    EXPECT_TRUE(frame.connection == kPluginConnection || frame.connection == kRuntimeConnection);
    std::string& message = partial_[frame.connection - 1];
    message.append(frame.payload);
    if (message.size() < kHeader || message.size() < kHeader + read_u32(message)) continue;
    EXPECT_EQ(message.size(), kHeader + read_u32(message)) << "two messages in one frame";
    messages.push_back({frame.connection, read_u32(std::string_view(message).substr(4)),
                        static_cast<uint8_t>(message[8]), message.substr(kHeader)});
    message.clear();
  }
  return messages;
}

std::string FakeRuntime::request(uint32_t stream, std::string_view method, std::string payload) {
  std::string out;
  append_frames(out, kPluginConnection,
                encode_request(stream, kPluginService, method, std::move(payload)));
  return out;
}

proto::TtrpcResponse response_of(const Sent& sent) {
  proto::TtrpcResponse response;
  EXPECT_EQ(sent.type, static_cast<uint8_t>(MessageType::kResponse));
  EXPECT_TRUE(response.ParseFromString(sent.payload));
  return response;
}

}  // namespace hookcore::nri
