#include "libhookcore/nri/connection.h"

#include "libhookcore/base/error.h"
#include "libhookcore/nri/ttrpc.pb.h"

namespace hookcore::nri {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(Code::kSystem, what, "NRI connection");
}

}  // namespace

void Connection::receive(std::string_view bytes) {
  frames_.append(bytes);
  Frame frame;
  Message message;
  while (frames_.next(frame)) {
    if (frame.connection == kPluginConnection) {
      requests_.append(frame.payload);
      while (requests_.next(message)) serve(message);
    } else if (frame.connection == kRuntimeConnection) {
      responses_.append(frame.payload);
      while (responses_.next(message)) finish(message);
    }
    // Later versions may open connections that we don't know: theirs to do without us.
  }
}

void Connection::serve(const Message& message) {
  if (message.type != static_cast<uint8_t>(MessageType::kRequest)) {
    refuse("a message of type " + std::to_string(message.type) + " where a request is due");
  }
  proto::TtrpcRequest request;
  if (!request.ParseFromArray(message.payload.data(), static_cast<int>(message.payload.size()))) {
    refuse("a request that isn't ttrpc's");
  }
  Reply reply = handler_(request.service(), request.method(), request.payload());
  append_frames(output_, kPluginConnection, encode_reply(message.stream, std::move(reply)));
}

void Connection::finish(const Message& message) {
  const auto found = pending_.find(message.stream);
  if (message.type != static_cast<uint8_t>(MessageType::kResponse) || found == pending_.end()) {
    refuse("an answer to what wasn't asked");
  }
  proto::TtrpcResponse response;
  if (!response.ParseFromArray(message.payload.data(), static_cast<int>(message.payload.size()))) {
    refuse("an answer that isn't ttrpc's");
  }
  const Done done = std::move(found->second);
  pending_.erase(found);
  done({static_cast<Status>(response.status().code()), response.status().message(),
        response.payload()});
}

void Connection::call(std::string_view service, std::string_view method, std::string payload,
                      Done done) {
  const uint32_t stream = next_stream_;
  next_stream_ += 2;
  pending_[stream] = std::move(done);
  append_frames(output_, kRuntimeConnection,
                encode_request(stream, service, method, std::move(payload)));
}

}  // namespace hookcore::nri
