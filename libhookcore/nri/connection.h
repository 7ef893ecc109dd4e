#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "libhookcore/nri/frames.h"
#include "libhookcore/nri/ttrpc.h"

namespace hookcore::nri {

/// Both logical connections of one plugin over one byte stream, without a socket: bytes in, bytes
/// out. Requests are answered while a call of our own is pending, for runtimes configure a plugin
/// before they answer its registration.
class Connection {
 public:
  using Handler = std::function<Reply(std::string_view service, std::string_view method,
                                      std::string_view payload)>;
  using Done = std::function<void(const Reply&)>;

  /// handler answers the runtime; what it throws is the caller's of receive().
  explicit Connection(Handler handler) : handler_(std::move(handler)) {}

  /// Throws Error(kSystem) for bytes that aren't the protocol: the connection is of no use then.
  void receive(std::string_view bytes);
  /// Calls the runtime; done is called by a later receive().
  void call(std::string_view service, std::string_view method, std::string payload, Done done);

  /// What is to be written to the socket; the writer takes from its front.
  std::string& output() { return output_; }

 private:
  void serve(const Message& message);
  void finish(const Message& message);

  Handler handler_;
  FrameReader frames_;
  MessageReader requests_;
  MessageReader responses_;
  std::map<uint32_t, Done> pending_;
  uint32_t next_stream_ = 1;  ///< a client's streams are odd
  std::string output_;
};

}  // namespace hookcore::nri
