// A runtime's bytes: answered, or refused with one line; and cut into pieces of any size they mean
// the same.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/nri/connection.h"
#include "libhookcore/nri/plugin.h"

namespace {

using namespace hookcore;

struct Silent : nri::Observer {
  void configured(const nri::proto::ConfigureRequest&) override {}
  void adjusted(const nri::proto::CreateContainerRequest&,
                const std::vector<std::string>&) override {}
  void refused(const nri::proto::CreateContainerRequest&, const Error& error) override {
    if (error.line().find('\n') != std::string::npos) std::abort();
  }
  void ignored() override {}
  void synchronized(size_t, size_t) override {}
  void removed(const std::string&) override {}
};

/// How much the plugin writes, up to where it gives the connection up.
size_t conversation(std::string_view bytes, size_t piece) {
  Silent observer;
  nri::Plugin plugin([] { return settings::Settings{}; }, "/opt/hooks", observer);
  nri::Connection connection(
      [&](std::string_view service, std::string_view method, std::string_view payload) {
        return plugin.handle(service, method, payload);
      });
  connection.call(nri::kRuntimeService, "RegisterPlugin", nri::registration("cnb", "10"),
                  [](const nri::Reply&) {});
  try {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      connection.receive(bytes.substr(0, piece));
    }
  } catch (const Error& error) {
    if (error.line().find('\n') != std::string::npos) std::abort();
  }
  return connection.output().size();  // maps have no order
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  google::protobuf::SetLogHandler(nullptr);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t whole = conversation(bytes, size + 1);
  if (conversation(bytes, 7) != whole) std::abort();
  return 0;
}
