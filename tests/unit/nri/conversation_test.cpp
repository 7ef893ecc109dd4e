// What real runtimes said, recorded by record.py, byte for byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "libhookcore/base/error.h"
#include "libhookcore/nri/connection.h"
#include "libhookcore/nri/plugin.h"
#include "tests/unit/nri/fake_runtime.h"

namespace hookcore::nri {
namespace {

struct Told : Observer {
  void configured(const proto::ConfigureRequest& request) override {
    version = request.runtime_version();
  }
  void adjusted(const proto::CreateContainerRequest&, const std::vector<std::string>&) override {
    ++adjusted_count;
  }
  void refused(const proto::CreateContainerRequest&, const Error& error) override {
    refusals.push_back(error.code());
  }
  void ignored() override { ++ignored_count; }
  void synchronized(size_t pods, size_t containers) override {
    EXPECT_EQ(pods, 1U);
    EXPECT_EQ(containers, 0U);
    ++synchronizations;
  }
  void removed(const std::string&) override { ++removals; }

  std::string version;
  int adjusted_count = 0;
  int ignored_count = 0;
  int synchronizations = 0;
  int removals = 0;
  std::vector<Code> refusals;
};

std::string recording(const std::string& name) {
  std::ifstream file(std::string(OCI_CNB_RECORDINGS) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Conversation : public testing::TestWithParam<const char*> {};

TEST_P(Conversation, IsAnsweredInPiecesOfAnySize) {
  const std::string bytes = recording(std::string("containerd-") + GetParam() + ".bin");
  ASSERT_GT(bytes.size(), 20000U);
  for (const size_t piece : {bytes.size(), size_t{4096}, size_t{1}}) {
    Told told;
    Plugin plugin([] { return settings::Settings{}; }, "/opt/hooks", told);
    Connection connection(
        [&](std::string_view service, std::string_view method, std::string_view payload) {
          return plugin.handle(service, method, payload);
        });
    Reply registered{Status::kUnimplemented, {}, {}};
    connection.call(kRuntimeService, "RegisterPlugin", registration("cnb", "10"),
                    [&](const Reply& reply) { registered = reply; });
    for (size_t at = 0; at < bytes.size(); at += piece) {
      connection.receive(std::string_view(bytes).substr(at, piece));
    }
    EXPECT_EQ(registered.status, Status::kOk);
    EXPECT_TRUE(told.version.starts_with(GetParam())) << told.version;
    EXPECT_EQ(told.synchronizations, 1);
    EXPECT_EQ(told.ignored_count, 1);
    EXPECT_EQ(told.adjusted_count, 1);
    EXPECT_EQ(told.refusals, (std::vector<Code>{Code::kSource, Code::kAnnotation}));
    EXPECT_EQ(told.removals, 4);

    FakeRuntime runtime;
    const auto sent = runtime.receive(connection.output());
    const auto failed = std::count_if(sent.begin(), sent.end(), [](const Sent& message) {
      return message.connection == kPluginConnection && response_of(message).status().code() != 0;
    });
    EXPECT_EQ(failed, 2);
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, Conversation, testing::Values("1.7.24", "2.1.9"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return "Containerd" + name;
                         });

}  // namespace
}  // namespace hookcore::nri
