#include "libhookcore/nri/connection.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "libhookcore/base/error.h"
#include "tests/unit/nri/fake_runtime.h"

namespace hookcore::nri {
namespace {

Reply echo(std::string_view, std::string_view method, std::string_view payload) {
  return {Status::kOk, {}, std::string(method) + ":" + std::string(payload)};
}

std::string take(Connection& connection) { return std::exchange(connection.output(), {}); }

TEST(Frames, LargeMessagesAreCut) {
  std::string out;
  append_frames(out, kPluginConnection, std::string(2 * kMaxFramePayload + 1, 'x'));
  FrameReader reader;
  reader.append(out);
  Frame frame;
  std::vector<size_t> sizes;
  while (reader.next(frame)) sizes.push_back(frame.payload.size());
  EXPECT_EQ(sizes, (std::vector<size_t>{kMaxFramePayload, kMaxFramePayload, 1}));
}

TEST(Frames, TooLargeAFrameIsRefusedByItsHeader) {
  FrameReader reader;
  reader.append(std::string_view("\0\0\0\1\x7F\xFF\xFF\xFF", 8));
  Frame frame;
  EXPECT_THROW(reader.next(frame), Error);
}

TEST(Messages, TooLargeAMessageIsRefusedByItsHeader) {
  MessageReader reader;
  reader.append(std::string_view("\0\x40\0\1\0\0\0\1\1\0", 10));
  Message message;
  EXPECT_THROW(reader.next(message), Error);
}

TEST(Connection, AnswersByteByByte) {
  Connection connection(echo);
  for (const char byte : FakeRuntime::request(7, "Configure", "abc")) {
    connection.receive(std::string_view(&byte, 1));
  }
  FakeRuntime runtime;
  const auto sent = runtime.receive(take(connection));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].connection, kPluginConnection);
  EXPECT_EQ(sent[0].stream, 7U);
  EXPECT_EQ(response_of(sent[0]).payload(), "Configure:abc");
}

TEST(Connection, HeaderAndPayloadInFramesOfTheirOwn) {
  const std::string message = encode_request(1, "s", "m", "payload");
  std::string bytes;
  append_frames(bytes, kPluginConnection, message.substr(0, 10));
  append_frames(bytes, 99, "of a connection that nobody knows");
  append_frames(bytes, kPluginConnection, message.substr(10));
  Connection connection(echo);
  connection.receive(bytes);
  FakeRuntime runtime;
  const auto sent = runtime.receive(take(connection));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(response_of(sent[0]).payload(), "m:payload");
}

TEST(Connection, ServesWhileItsOwnCallIsPending) {
  Connection connection(echo);
  std::optional<Reply> registered;
  connection.call("runtime", "RegisterPlugin", "me",
                  [&](const Reply& reply) { registered = reply; });
  FakeRuntime runtime;
  const auto call = runtime.receive(take(connection));
  ASSERT_EQ(call.size(), 1U);
  EXPECT_EQ(call[0].connection, kRuntimeConnection);

  connection.receive(FakeRuntime::request(1, "Configure", ""));
  EXPECT_EQ(runtime.receive(take(connection)).size(), 1U);
  EXPECT_FALSE(registered);

  std::string answer;
  append_frames(answer, kRuntimeConnection,
                encode_reply(call[0].stream, {Status::kOk, {}, "welcome"}));
  connection.receive(answer);
  ASSERT_TRUE(registered);
  EXPECT_EQ(registered->payload, "welcome");
}

TEST(Connection, LargeAnswersArriveInWholeFrames) {
  Connection connection([](std::string_view, std::string_view, std::string_view) {
    return Reply{Status::kOk, {}, std::string(100000, 'y')};
  });
  connection.receive(FakeRuntime::request(1, "m", "") + FakeRuntime::request(3, "m", ""));
  FakeRuntime runtime;
  EXPECT_EQ(runtime.receive(take(connection)).size(), 2U);
}

TEST(Connection, RefusesWhatIsNoProtocol) {
  const auto receive = [](uint32_t id, MessageType type, std::string_view payload) {
    std::string bytes;
    append_frames(bytes, id, encode_message(1, type, payload));
    Connection(echo).receive(bytes);
  };
  EXPECT_THROW(receive(kPluginConnection, MessageType::kResponse, ""), Error);
  EXPECT_THROW(receive(kPluginConnection, MessageType::kData, ""), Error);
  EXPECT_THROW(receive(kPluginConnection, MessageType::kRequest, "\xFF\xFF"), Error);
  EXPECT_THROW(receive(kRuntimeConnection, MessageType::kResponse, ""), Error);
}

}  // namespace
}  // namespace hookcore::nri
