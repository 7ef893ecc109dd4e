#include "libhookcore/copy/meter.h"

#include <string>

namespace hookcore::copy {
Meter::Meter(const Options& options)
    : options_(options), next_(std::chrono::steady_clock::now() + options.progress_interval) {}

void Meter::refuse() const {
  throw Refused(Code::kScratch,
                "the visible files are more than the " + std::to_string(options_.limit_bytes) +
                    " bytes that a copy may have",
                "", "exclude what isn't needed, or raise copy-limit in config.toml");
}

void Meter::expect(uint64_t bytes) {
  const uint64_t all = expected_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (has_limit() && all > options_.limit_bytes) refuse();
}

void Meter::copied(uint64_t bytes) {
  const uint64_t all = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (has_limit() && all > options_.limit_bytes) refuse();
  if (options_.progress) tell();
}

void Meter::tell() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_.load(std::memory_order_relaxed)) return;
  const std::unique_lock lock(telling_, std::try_to_lock);
  if (!lock || now < next_.load()) return;
  next_ = now + options_.progress_interval;
  options_.progress({files_, bytes_, expected_});
}

}  // namespace hookcore::copy
