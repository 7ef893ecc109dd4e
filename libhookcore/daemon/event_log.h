#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace hookcore::daemon {

/// One JSON object a line on stderr. A line that would have to wait is dropped and counted: a
/// reader that sleeps must not stop the plugin, which would let containers start unadjusted.
class EventLog {
 public:
  using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

  void info(std::string_view message, const Fields& fields = {}) { write("info", message, fields); }
  void warning(std::string_view message, const Fields& fields = {}) {
    write("warning", message, fields);
  }
  void error(std::string_view message, const Fields& fields = {}) {
    write("error", message, fields);
  }
  uint64_t dropped() const { return dropped_; }

 private:
  void write(std::string_view level, std::string_view message, const Fields& fields);

  uint64_t dropped_ = 0;
};

}  // namespace hookcore::daemon
