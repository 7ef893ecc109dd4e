#include "libhookcore/daemon/metrics.h"

#include <cstdio>

namespace hookcore::daemon {
namespace {

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

void head(std::string& text, const std::string& name, const char* type, const char* help) {
  text += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void line(std::string& text, const std::string& name, const std::string& labels,
          const std::string& value) {
  text += name + (labels.empty() ? "" : "{" + labels + "}") + " " + value + "\n";
}

void single(std::string& text, const std::string& name, const char* type, const char* help,
            uint64_t value) {
  head(text, name, type, help);
  line(text, name, "", std::to_string(value));
}

}  // namespace

void Histogram::observe(std::chrono::nanoseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  for (size_t i = 0; i < kBounds.size(); ++i) {
    if (seconds <= kBounds[i]) ++buckets_[i];
  }
  ++count_;
  sum_ += seconds;
}

void Histogram::append_to(std::string& text, const std::string& name,
                          const std::string& labels) const {
  for (size_t i = 0; i < kBounds.size(); ++i) {
    line(text, name + "_bucket", labels + ",le=\"" + number(kBounds[i]) + "\"",
         std::to_string(buckets_[i]));
  }
  line(text, name + "_bucket", labels + ",le=\"+Inf\"", std::to_string(count_));
  line(text, name + "_sum", labels, number(sum_));
  line(text, name + "_count", labels, std::to_string(count_));
}

std::string Metrics::text() const {
  std::string text;
  const std::string containers = "oci_cnb_nri_containers_total";
  head(text, containers, "counter", "Containers whose creation the runtime told of.");
  line(text, containers, "result=\"adjusted\"", std::to_string(adjusted));
  line(text, containers, "result=\"ignored\"", std::to_string(ignored));
  uint64_t all = 0;
  for (const auto& [code, count] : refused) all += count;
  line(text, containers, "result=\"refused\"", std::to_string(all));
  const std::string refusals = "oci_cnb_nri_refusals_total";
  head(text, refusals, "counter", "Refused containers by the code of the error.");
  for (const auto& [code, count] : refused) {
    line(text, refusals, "code=\"" + std::string(code_name(code)) + "\"", std::to_string(count));
  }
  const std::string handler = "oci_cnb_nri_handler_seconds";
  head(text, handler, "histogram", "Time from a request to create a container to its answer.");
  handled_adjusted.append_to(text, handler, "opted_in=\"true\"");
  handled_ignored.append_to(text, handler, "opted_in=\"false\"");
  single(text, "oci_cnb_nri_connected", "gauge", "1 while the runtime has synchronised us.",
         connected ? 1 : 0);
  single(text, "oci_cnb_nri_connections_total", "counter", "Connections to the runtime.",
         connections);
  single(text, "oci_cnb_nri_sessions", "gauge", "Sessions that have scratch on this node.",
         sessions);
  single(text, "oci_cnb_nri_sessions_collected_total", "counter",
         "Sessions that were removed since nobody can come back to them.", sessions_removed);
  single(text, "oci_cnb_nri_collections_total", "counter", "Runs of the garbage collection.",
         collections);
  single(text, "oci_cnb_nri_log_lines_dropped_total", "counter",
         "Log lines that nobody was ready to read.", log_lines_dropped);
  return text;
}

}  // namespace hookcore::daemon
