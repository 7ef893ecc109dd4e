#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "libhookcore/base/error.h"

namespace hookcore::daemon {

/// Prometheus' histogram of the time that the runtime waited for an answer to CreateContainer.
class Histogram {
 public:
  /// Seconds. NRI gives up after 2.
  static constexpr std::array<double, 9> kBounds{0.00005, 0.0001, 0.0002, 0.0003, 0.0005,
                                                 0.001,   0.01,   0.1,    1};
  void observe(std::chrono::nanoseconds time);
  void append_to(std::string& text, const std::string& name, const std::string& labels) const;

 private:
  std::array<uint64_t, kBounds.size()> buckets_{};
  uint64_t count_ = 0;
  double sum_ = 0;
};

/// All that is counted since the start.
struct Metrics {
  uint64_t adjusted = 0;
  uint64_t ignored = 0;
  std::map<Code, uint64_t> refused;
  Histogram handled_adjusted;  ///< containers that opted in
  Histogram handled_ignored;
  bool connected = false;
  uint64_t connections = 0;
  uint64_t collections = 0;
  uint64_t sessions_removed = 0;
  uint64_t sessions = 0;  ///< a gauge
  uint64_t log_lines_dropped = 0;

  /// The text exposition format 0.0.4.
  std::string text() const;
};

}  // namespace hookcore::daemon
