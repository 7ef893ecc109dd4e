#include "libhookcore/daemon/metrics.h"

#include <gtest/gtest.h>

namespace hookcore::daemon {
namespace {

using namespace std::chrono_literals;

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, CountsByResultAndCode) {
  Metrics metrics;
  metrics.adjusted = 3;
  metrics.refused[Code::kSource] = 2;
  metrics.refused[Code::kAnnotation] = 1;
  const std::string text = metrics.text();
  EXPECT_TRUE(has_line(text, R"(oci_cnb_nri_containers_total{result="adjusted"} 3)"));
  EXPECT_TRUE(has_line(text, R"(oci_cnb_nri_containers_total{result="refused"} 3)"));
  EXPECT_TRUE(has_line(text, R"(oci_cnb_nri_refusals_total{code="source"} 2)"));
  EXPECT_TRUE(has_line(text, "oci_cnb_nri_connected 0"));
}

TEST(Metrics, BucketsAreCumulative) {
  Metrics metrics;
  metrics.handled_adjusted.observe(60us);
  metrics.handled_adjusted.observe(250us);
  metrics.handled_adjusted.observe(3s);
  const std::string text = metrics.text();
  const std::string bucket = R"(oci_cnb_nri_handler_seconds_bucket{opted_in="true",le=)";
  EXPECT_TRUE(has_line(text, bucket + "\"5e-05\"} 0"));
  EXPECT_TRUE(has_line(text, bucket + "\"0.0001\"} 1"));
  EXPECT_TRUE(has_line(text, bucket + "\"0.0003\"} 2"));
  EXPECT_TRUE(has_line(text, bucket + "\"1\"} 2"));
  EXPECT_TRUE(has_line(text, bucket + "\"+Inf\"} 3"));
  EXPECT_TRUE(has_line(text, R"(oci_cnb_nri_handler_seconds_count{opted_in="true"} 3)"));
}

}  // namespace
}  // namespace hookcore::daemon
