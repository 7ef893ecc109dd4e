#include "libhookcore/runtime/real_runtime.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "libhookcore/base/error.h"
#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::runtime {
namespace {

constexpr const char* kItself = "settings: the runtime is oci-cnb-runtime itself; ";
constexpr const char* kRemedy =
    "; set runtime in config.toml to the runtime's name or absolute path";

void program(const std::string& path, const std::string& text) {
  tree::write(path, text);
  ::chmod(path.c_str(), 0755);
}

void refuse(const std::string& path, const std::string& line) {
  expect_error(Code::kSettings, line + quote(path) + kRemedy,
               [&] { find_runtime("oci-cnb-runtime", path); });
}

void at(const std::function<void(const std::string& place)>& body) {
  sandbox::run(sandbox::As::kPlain, [&](const sandbox::Place& place) { body(place.path); });
}

TEST(FindRuntime, ByPathAndByName) {
  at([](const std::string& place) {
    for (const char* name : {"crun", "runc", "krun", "other"}) program(place + "/" + name, "x");
    const auto dialect = [&](const char* name) {
      return find_runtime("x", place + "/" + name).dialect;
    };
    EXPECT_EQ(Dialect::kGetopt, dialect("crun"));
    EXPECT_EQ(Dialect::kGetopt, dialect("krun"));
    EXPECT_EQ(Dialect::kGo, dialect("runc"));
    ASSERT_EQ(0, ::symlink("crun", (place + "/runtime").c_str()));
    EXPECT_EQ(Dialect::kGetopt, dialect("runtime"));
    EXPECT_EQ(place + "/runtime", find_runtime("x", place + "/runtime").path);
    EXPECT_TRUE(find_runtime("/any/oci-cnb-runtime", "cat").path.ends_with("/bin/cat"));
    EXPECT_TRUE(
        find_runtime("/any/oci-cnb-runtime.cat", place + "/crun").path.ends_with("/bin/cat"));
  });
}

TEST(FindRuntime, RefusesWhatIsntThere) {
  at([](const std::string& place) {
    tree::write(place + "/file", "x");
    refuse(place, "settings: the runtime is no program that can be executed; ");
    refuse(place + "/file", "settings: the runtime is no program that can be executed; ");
    refuse(place + "/none", "settings: the runtime is no program that can be executed; ");
    const std::string line =
        "settings: there is no runtime \"no-such\"; /usr/bin, /usr/sbin, "
        "/usr/local/bin, /usr/local/sbin, /bin, /sbin, "
        "/run/current-system/sw/bin";
    expect_error(Code::kSettings, line + kRemedy, [] { find_runtime("x", "no-such"); });
    expect_error(Code::kSettings, line + kRemedy,
                 [] { find_runtime("/x/oci-cnb-runtime.no-such", std::nullopt); });
  });
}

TEST(FindRuntime, NeverItself) {
  at([](const std::string& place) {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe");
    refuse(self, kItself);
    ASSERT_EQ(0, ::symlink(self.c_str(), (place + "/runc").c_str()));
    refuse(place + "/runc", kItself);
    ASSERT_EQ(0, ::symlink("runc", (place + "/again").c_str()));
    refuse(place + "/again", kItself);
    std::filesystem::copy_file(self, place + "/copy");
    refuse(place + "/copy", kItself);
    program(place + "/script", "#!/bin/sh\nexec oci-cnb-runtime \"$@\"\n");
    refuse(place + "/script", kItself);
    program(place + "/other", "#!/bin/sh\nexec runc \"$@\"\n");
    EXPECT_EQ(place + "/other", find_runtime("x", place + "/other").path);
  });
}

// Else it might call itself, and so on for ever.
TEST(FindRuntime, OneThatCannotBeLookedAtIsNotTakenForAnother) {
  at([](const std::string& place) {
    program(place + "/runc", "#!/bin/sh\n");
    const struct ::rlimit none {};
    ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
    EXPECT_THROW(find_runtime("x", place + "/runc"), SystemError);
  });
}

}  // namespace
}  // namespace hookcore::runtime
