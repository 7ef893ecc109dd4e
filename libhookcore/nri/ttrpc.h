#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libhookcore/nri/frames.h"

/// ttrpc messages: u32 length, u32 stream, u8 type, u8 flags, payload (containerd/ttrpc, PROTOCOL).
namespace hookcore::nri {

enum class MessageType : uint8_t { kRequest = 1, kResponse = 2, kData = 3 };

inline constexpr size_t kMaxMessage = size_t{4} << 20;

struct Message {
  uint32_t stream = 0;
  uint8_t type = 0;
  std::string_view payload;  ///< valid until the next append
};

class MessageReader {
 public:
  void append(std::string_view bytes) { queue_.append(bytes); }
  /// false: more bytes are needed. Throws Error(kSystem) for a message larger than kMaxMessage.
  bool next(Message& message);

 private:
  ByteQueue queue_;
};

/// gRPC's status codes, as far as they are used here.
enum class Status : int32_t {
  kOk = 0,
  kInvalidArgument = 3,
  kFailedPrecondition = 9,
  kUnimplemented = 12,
};

struct Reply {
  Status status = Status::kOk;
  std::string message;  ///< for people, empty when kOk
  std::string payload;
};

/// Throws Error(kSystem) for what would be more than kMaxMessage.
std::string encode_message(uint32_t stream, MessageType type, std::string_view payload);
std::string encode_request(uint32_t stream, std::string_view service, std::string_view method,
                           std::string payload);
std::string encode_reply(uint32_t stream, Reply reply);

}  // namespace hookcore::nri
