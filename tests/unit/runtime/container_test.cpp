#include "libhookcore/runtime/container.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "libhookcore/base/error.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::runtime {
namespace {

struct Found {
  std::string where;
  std::string text;
};

/// What exec of a container would go by; empty when nothing is found.
Found find(const std::string& runtime, Dialect dialect, std::optional<std::string_view> root,
           std::string_view id, const std::string& variable = "A=b") {
  Invocation call;
  call.root = root;
  call.id = id;
  const RealRuntime real{runtime, dialect};
  std::string copy = variable;
  char* environment[] = {copy.data(), nullptr};
  const auto config = container_config({call, real, {}, environment});
  return config ? Found{config->where(), config->text()} : Found{};
}

TEST(ContainerConfig, IsFoundInTheRuntimesState) {
  sandbox::run(sandbox::As::kPlain, [](const sandbox::Place& place) {
    const std::string& p = place.path;
    tree::make(p, {"crun/a/config.json=of crun", "bundle/config.json=of runc",
                   "runc/a/state.json={\"id\":\"a\",\"config\":{\"labels\":[\"x=y\",\"bundle=" + p +
                       "/bundle\",\"k=bundle=z\"]},\"pid\":1}",
                   "runc/empty/state.json={}"});
    EXPECT_EQ("of crun", find("/bin/false", Dialect::kGetopt, p + "/crun", "a").text);
    EXPECT_EQ("of crun",
              find("/bin/false", Dialect::kGetopt, std::nullopt, "a", "XDG_RUNTIME_DIR=" + p).text);
    EXPECT_EQ("of runc", find("/bin/false", Dialect::kGo, p + "/runc", "a").text);
    EXPECT_EQ("", find("/bin/false", Dialect::kGo, p + "/runc", "empty").text);
    for (const char* id : {"", ".", "..", "b", "../crun/a", "/"}) {
      EXPECT_EQ("", find("/bin/false", Dialect::kGetopt, p + "/crun", id).text) << id;
    }
  });
}

/// A runtime that knows the container a, whose bundle is that of the place.
void write_runtime(const std::string& path, const std::string& root, const std::string& bundle) {
  tree::write(path, "#!/bin/sh\n[ \"$*\" = \"--root " + root +
                        " state a\" ] || exit 1\n"
                        "echo '{\"ociVersion\":\"1.0\",\"id\":\"a\",\"status\":\"running\","
                        "\"pid\":1,\"bundle\":\"" +
                        bundle + "\"}'\n");
  ::chmod(path.c_str(), 0755);
}

TEST(ContainerConfig, AnotherRuntimeIsAsked) {
  sandbox::run(sandbox::As::kPlain, [](const sandbox::Place& place) {
    const std::string& p = place.path;
    tree::make(p, {"bundle/config.json=asked"});
    write_runtime(p + "/rt", "/r", p + "/bundle");
    EXPECT_EQ("asked", find(p + "/rt", Dialect::kGo, "/r", "a").text);
    EXPECT_EQ("", find(p + "/rt", Dialect::kGo, "/r", "b").text);
  });
}

TEST(ContainerConfig, AStateThatIsClosedIsSomebodyElses) {
  sandbox::run(sandbox::As::kPlain, [](const sandbox::Place& place) {
    const std::string& p = place.path;
    tree::make(p, {"bundle/config.json=asked", "closed/a/state.json={}"});
    ::chmod((p + "/closed").c_str(), 0);
    write_runtime(p + "/rt", p + "/closed", p + "/bundle");
    EXPECT_EQ("asked", find(p + "/rt", Dialect::kGo, p + "/closed", "a").text);
    EXPECT_EQ("asked", find(p + "/rt", Dialect::kGetopt, p + "/closed", "a").text);
    ::chmod((p + "/closed").c_str(), 0700);
  });
}

TEST(ContainerConfig, ABrokenStateIsRefused) {
  EXPECT_THROW(bundle_of_runc("{"), Error);
  EXPECT_THROW(bundle_of_runc(R"({"config":{"labels":[1]}})"), Error);
  EXPECT_EQ("", bundle_of_runc(R"({"config":{"labels":null}})"));
}

}  // namespace
}  // namespace hookcore::runtime
