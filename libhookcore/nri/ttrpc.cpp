#include "libhookcore/nri/ttrpc.h"

#include "libhookcore/base/error.h"
#include "libhookcore/nri/ttrpc.pb.h"

namespace hookcore::nri {
namespace {

constexpr size_t kHeader = 10;

void require_size(size_t size) {
  if (size <= kMaxMessage) return;
  throw Error(Code::kSystem, "a ttrpc message of " + std::to_string(size) + " bytes",
              "NRI connection");
}

}  // namespace

bool MessageReader::next(Message& message) {
  const std::string_view bytes = queue_.view();
  if (bytes.size() < kHeader) return false;
  const size_t length = read_u32(bytes);
  require_size(length);
  if (bytes.size() < kHeader + length) return false;
  message = {read_u32(bytes.substr(4)), static_cast<uint8_t>(bytes[8]),
             bytes.substr(kHeader, length)};
  queue_.consume(kHeader + length);
  return true;
}

std::string encode_message(uint32_t stream, MessageType type, std::string_view payload) {
  require_size(payload.size());
  std::string out;
  out.reserve(kHeader + payload.size());
  append_u32(out, static_cast<uint32_t>(payload.size()));
  append_u32(out, stream);
  out.push_back(static_cast<char>(type));
  out.push_back(0);
  out.append(payload);
  return out;
}

std::string encode_request(uint32_t stream, std::string_view service, std::string_view method,
                           std::string payload) {
  proto::TtrpcRequest request;
  request.set_service(std::string(service));
  request.set_method(std::string(method));
  request.set_payload(std::move(payload));
  return encode_message(stream, MessageType::kRequest, request.SerializeAsString());
}

std::string encode_reply(uint32_t stream, Reply reply) {
  proto::TtrpcResponse response;
  if (reply.status != Status::kOk) {
    response.mutable_status()->set_code(static_cast<int32_t>(reply.status));
    response.mutable_status()->set_message(std::move(reply.message));
  }
  response.set_payload(std::move(reply.payload));
  return encode_message(stream, MessageType::kResponse, response.SerializeAsString());
}

}  // namespace hookcore::nri
