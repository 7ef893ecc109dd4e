#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "libhookcore/copy/copy.h"

namespace hookcore::copy {

/// Counts what is copied, holds the limit, and tells of the progress. Thread-safe.
class Meter {
 public:
  explicit Meter(const Options& options);

  /// What is going to be copied. Throws Refused when that is too much.
  void expect(uint64_t bytes);
  /// Throws Refused when files have grown beyond the limit.
  void copied(uint64_t bytes);
  void file() { files_.fetch_add(1, std::memory_order_relaxed); }
  /// A shared file: takes no room.
  void cloned(uint64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }

  uint64_t bytes() const { return bytes_; }
  uint64_t expected() const { return expected_; }

 private:
  bool has_limit() const { return options_.method == Method::kPlain && options_.limit_bytes != 0; }
  [[noreturn]] void refuse() const;
  void tell();

  const Options& options_;
  std::atomic<uint64_t> expected_{0};
  std::atomic<uint64_t> files_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<std::chrono::steady_clock::time_point> next_;
  std::mutex telling_;
};

}  // namespace hookcore::copy
