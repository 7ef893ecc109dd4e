#include "libhookcore/nri/frames.h"

#include "libhookcore/base/error.h"

namespace hookcore::nri {
namespace {

constexpr size_t kHeader = 8;

}  // namespace

uint32_t read_u32(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

void append_u32(std::string& out, uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(value >> shift & 0xFF));
}

void ByteQueue::append(std::string_view bytes) {
  if (begin_ == bytes_.size()) {
    // A plugin lives for months: what one large message needed isn't kept.
    constexpr size_t kKept = size_t{64} << 10;
    if (bytes_.capacity() > kKept) bytes_ = std::string();
    bytes_.clear();
    begin_ = 0;
  } else if (begin_ > bytes_.size() / 2) {
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  bytes_.append(bytes);
}

bool FrameReader::next(Frame& frame) {
  const std::string_view bytes = queue_.view();
  if (bytes.size() < kHeader) return false;
  const size_t length = read_u32(bytes.substr(4));
  if (length > kMaxReceivedPayload) {
    throw Error(Code::kSystem, "a frame of " + std::to_string(length) + " bytes", "NRI connection");
  }
  if (bytes.size() < kHeader + length) return false;
  frame = {read_u32(bytes), bytes.substr(kHeader, length)};
  queue_.consume(kHeader + length);
  return true;
}

void append_frames(std::string& out, uint32_t connection, std::string_view message) {
  do {
    const std::string_view part = message.substr(0, kMaxFramePayload);
    append_u32(out, connection);
    append_u32(out, static_cast<uint32_t>(part.size()));
    out.append(part);
    message.remove_prefix(part.size());
  } while (!message.empty());
}

}  // namespace hookcore::nri
