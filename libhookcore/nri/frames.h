#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// NRI's socket carries several byte streams: each frame is u32 connection id, u32 length (big
/// endian) and so many bytes of that connection (containerd/nri, pkg/net/multiplex).
namespace hookcore::nri {

/// The runtime calls the plugin.
inline constexpr uint32_t kPluginConnection = 1;
/// The plugin calls the runtime.
inline constexpr uint32_t kRuntimeConnection = 2;

/// What we write: the Go side reads a frame into a buffer of its caller, 4096 bytes at first, and
/// gives the connection up when one is larger.
inline constexpr size_t kMaxFramePayload = 4096;
/// What we read: one whole ttrpc message with its header.
inline constexpr size_t kMaxReceivedPayload = (size_t{4} << 20) + 10;

uint32_t read_u32(std::string_view bytes);
void append_u32(std::string& out, uint32_t value);

/// Bytes that arrived and aren't used yet.
class ByteQueue {
 public:
  void append(std::string_view bytes);
  std::string_view view() const { return std::string_view(bytes_).substr(begin_); }
  /// view() is valid until the next append.
  void consume(size_t count) { begin_ += count; }

 private:
  std::string bytes_;
  size_t begin_ = 0;
};

struct Frame {
  uint32_t connection = 0;
  std::string_view payload;  ///< valid until the next append
};

class FrameReader {
 public:
  void append(std::string_view bytes) { queue_.append(bytes); }
  /// false: more bytes are needed. Throws Error(kSystem) for a frame larger than
  /// kMaxReceivedPayload: the two sides no longer agree on where frames begin.
  bool next(Frame& frame);

 private:
  ByteQueue queue_;
};

/// Writes one message. Never two in a frame: the Go side would lose the second one's beginning.
void append_frames(std::string& out, uint32_t connection, std::string_view message);

}  // namespace hookcore::nri
