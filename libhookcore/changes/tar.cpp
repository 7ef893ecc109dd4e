#include "libhookcore/changes/tar.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <numeric>

namespace hookcore::changes {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kNameMax = 100;

// pax(1), "ustar Interchange Format".
struct Ustar {
  std::array<char, kNameMax> name;
  std::array<char, 8> mode, uid, gid;
  std::array<char, 12> size, mtime;
  std::array<char, 8> checksum;
  char type;
  std::array<char, kNameMax> link;
  std::array<char, 6> magic;
  std::array<char, 2> version;
  std::array<char, 32> user, group;
  std::array<char, 8> device_major, device_minor;
  std::array<char, 155> prefix;
  std::array<char, 12> padding;
};
static_assert(sizeof(Ustar) == kBlock);

template <size_t N>
constexpr uint64_t octal_max() {
  return (uint64_t{1} << (3 * (N - 1))) - 1;
}

// Digits and a NUL. What doesn't fit is in a pax record, and zero here.
template <size_t N>
void put_octal(std::array<char, N>& field, uint64_t value) {
  if (value > octal_max<N>()) value = 0;
  field.back() = '\0';
  for (size_t i = N - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
}

template <size_t N>
void put_text(std::array<char, N>& field, std::string_view text) {
  std::copy_n(text.begin(), std::min(text.size(), N), field.begin());
}

// "LENGTH KEY=VALUE\n", LENGTH counting itself.
std::string record(std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (rest + std::to_string(length).size() != length) {
    length = rest + std::to_string(length).size();
  }
  std::string text = std::to_string(length);
  text.append(" ").append(key).append("=").append(value).append("\n");
  return text;
}

std::string pax_records(const TarHeader& header) {
  std::string text;
  if (header.path.size() > kNameMax) text += record("path", header.path);
  if (header.link.size() > kNameMax) text += record("linkpath", header.link);
  if (header.size > octal_max<12>()) text += record("size", std::to_string(header.size));
  if (header.uid > octal_max<8>()) text += record("uid", std::to_string(header.uid));
  if (header.gid > octal_max<8>()) text += record("gid", std::to_string(header.gid));
  if (header.mtime < 0 || static_cast<uint64_t>(header.mtime) > octal_max<12>()) {
    text += record("mtime", std::to_string(header.mtime));
  }
  for (const auto& [name, value] : header.xattrs) text += record("SCHILY.xattr." + name, value);
  return text;
}

}  // namespace

void TarWriter::put_header(const TarHeader& header, std::string_view path, char type,
                           uint64_t size) {
  Ustar block{};
  put_text(block.name, path);
  put_octal(block.mode, header.mode & 07777);
  put_octal(block.uid, header.uid);
  put_octal(block.gid, header.gid);
  put_octal(block.size, size);
  put_octal(block.mtime, header.mtime < 0 ? 0 : static_cast<uint64_t>(header.mtime));
  block.type = type;
  if (type != 'x') put_text(block.link, header.link);
  put_text(block.magic, "ustar");
  put_text(block.version, "00");
  put_octal(block.device_major, header.device_major);
  put_octal(block.device_minor, header.device_minor);
  block.checksum.fill(' ');
  std::string bytes(kBlock, '\0');
  std::memcpy(bytes.data(), &block, kBlock);
  const unsigned sum = std::accumulate(bytes.begin(), bytes.end(), 0U, [](unsigned all, char c) {
    return all + static_cast<unsigned char>(c);
  });
  std::array<char, 7> digits{};
  put_octal(digits, sum);
  std::memcpy(bytes.data() + offsetof(Ustar, checksum), digits.data(), digits.size());
  sink_(bytes);
}

void TarWriter::begin(const TarHeader& header) {
  pad();
  const std::string records = pax_records(header);
  if (!records.empty()) {
    TarHeader extended;
    extended.mode = 0644;
    put_header(extended, "pax-header", 'x', records.size());
    data(records);
    pad();
  }
  put_header(header, header.path, header.type, header.size);
}

void TarWriter::data(std::string_view bytes) {
  sink_(bytes);
  written_ += bytes.size();
}

void TarWriter::pad() {
  const size_t left = (kBlock - written_ % kBlock) % kBlock;
  if (left > 0) sink_(std::string(left, '\0'));
  written_ = 0;
}

void TarWriter::finish() {
  pad();
  sink_(std::string(2 * kBlock, '\0'));
}

}  // namespace hookcore::changes
