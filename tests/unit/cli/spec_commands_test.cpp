#include "hooks/cli/spec_commands.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "hooks/cli/container_options.h"
#include "libhookcore/oci/config.h"
#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/samples.h"

namespace hookcore::cli {
namespace {

using nlohmann::json;

struct Outcome {
  int exit_code = 0;
  std::string out;
  std::string err;
};

class SpecCommands : public testing::Test {
 protected:
  SpecCommands() {
    std::string pattern = std::filesystem::temp_directory_path() / "spec-XXXXXX";
    bundle_ = std::filesystem::canonical(::mkdtemp(pattern.data()));
    config_ = bundle_ + "/config.json";
  }
  ~SpecCommands() override { std::filesystem::remove_all(bundle_); }

  /// Throws what the command throws.
  static Outcome run(std::vector<std::string> words) {
    CommandLine line("oci-cnb", "");
    Outcome outcome;
    words.insert(words.begin(), "spec");
    add_spec_commands(line.program(), take_command(words), outcome.exit_code);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const auto collect = [&] {
      outcome.out = testing::internal::GetCapturedStdout();
      outcome.err = testing::internal::GetCapturedStderr();
    };
    try {
      line.parse(std::move(words));
    } catch (...) {
      collect();
      EXPECT_EQ("", outcome.out);
      throw;
    }
    collect();
    return outcome;
  }

  void write(const std::string& text) const { std::ofstream(config_) << text; }
  std::string read() const {
    std::ifstream file(config_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string bundle_;
  std::string config_;
};

const std::string kHooks = "--hooks-dir=/opt/hooks";

TEST_F(SpecCommands, ApplyWritesToStdoutAndLeavesTheFile) {
  const std::string before = samples::read("runc-spec.json");
  write(before);
  const Outcome outcome = run({"apply", "--role", "build", kHooks, bundle_});
  EXPECT_EQ(0, outcome.exit_code);
  EXPECT_EQ(before, read());
  const oci::ConfigView after = oci::parse_config(outcome.out);
  EXPECT_EQ("/workspace", after.cwd);
  EXPECT_EQ("build", after.annotations.at("io.cnb.hooks.role"));
  EXPECT_EQ("warn", after.env_value("CNB_EXPERIMENTAL_MODE"));
  ASSERT_EQ(1U, after.hooks.create_runtime.size());
  EXPECT_EQ("/opt/hooks/oci-cnb-createruntime", after.hooks.create_runtime[0].path);
  EXPECT_FALSE(after.hooks.create_runtime[0].env.empty());
}

TEST_F(SpecCommands, ApplyInPlaceKeepsTheModeAndIsIdempotent) {
  for (const std::string& name : samples::names()) {
    write(samples::read(name));
    ASSERT_EQ(0, ::chmod(config_.c_str(), 0640));
    EXPECT_EQ("", run({"apply", "-i", "--role", "dev", kHooks, "--bundle", bundle_}).out);
    const std::string once = read();
    EXPECT_NE(samples::read(name), once);
    run({"apply", "-i", "--role", "dev", kHooks, config_});
    EXPECT_EQ(once, read()) << name;
    struct stat status {};
    ASSERT_EQ(0, ::stat(config_.c_str(), &status));
    EXPECT_EQ(0640U, status.st_mode & 07777U);
  }
}

TEST_F(SpecCommands, ApplyReplacesTheFileBehindALink) {
  write(samples::read("crun-spec.json"));
  const std::string link = bundle_ + "/link";
  std::filesystem::create_symlink("config.json", link);
  run({"apply", "-i", "--role", "dev", kHooks, link});
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_NE(samples::read("crun-spec.json"), read());
}

TEST_F(SpecCommands, ApplyWithoutARoleChangesNothingAndSaysSo) {
  const std::string before = samples::read("podman-rootful-privileged.json");
  write(before);
  const Outcome outcome = run({"apply", kHooks, config_});
  EXPECT_EQ(before, outcome.out);
  EXPECT_EQ("oci-cnb: nothing changed: there is no annotation io.cnb.hooks.role in " + config_ +
                "; add it, or use --role ROLE\n",
            outcome.err);
}

TEST_F(SpecCommands, ApplyRefusesAndLeavesTheFile) {
  write("{\"process\":{}");
  expect_error(Code::kConfig, "config: the document ends too early; " + config_ + ":1:14", [&] {
    run({"apply", "-i", "--role", "dev", kHooks, config_});
  });
  EXPECT_EQ("{\"process\":{}", read());
  const std::string bad = R"({"process":{"env":["CNB_PLATFORM_API=x"]}})";
  write(bad);
  EXPECT_THROW(run({"apply", "-i", "--role", "dev", kHooks, config_}), Error);
  EXPECT_EQ(bad, read());
  EXPECT_EQ(1, std::distance(std::filesystem::directory_iterator(bundle_), {}));
}

TEST_F(SpecCommands, ApplyRefusesWrongUsage) {
  write("{\"process\":{}}");
  expect_error(
      Code::kUsage,
      "usage: --role: bad value \"biuld\"; use one of dev, build, detect, launch; did you mean "
      "\"build\"?; oci-cnb spec apply",
      [&] {
        run({"apply", "--role", "biuld", config_});
      });
  expect_error(
      Code::kUsage,
      "usage: --bundle excludes FILE; oci-cnb spec apply; `oci-cnb spec apply --help` has examples",
      [&] {
        run({"apply", "--bundle", bundle_, config_});
      });
  expect_error(Code::kUsage,
               "usage: a command is missing; oci-cnb spec; use one of generate, apply, validate",
               [] { run({}); });
  expect_error(Code::kUsage,
               "usage: --in-place needs a file to change; name a bundle's directory or a file", [] {
                 run({"apply", "-i"});
               });
  expect_error(Code::kUsage, "usage: --hooks-dir is no absolute path; \"hooks\"", [&] {
    run({"apply", "--role", "dev", "--hooks-dir", "hooks", config_});
  });
  // This test program has no hooks beside it.
  try {
    run({"apply", "--role", "dev", config_});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(Code::kUsage, error.code());
    EXPECT_EQ("name its directory with --hooks-dir DIR, or install it there", error.remedy());
  }
  EXPECT_THROW(run({"apply", bundle_ + "/none"}), Error);
}

TEST_F(SpecCommands, ValidateFindsABundleGoodAfterApply) {
  write(R"({"process":{"args":["x"]},"mounts":[{"destination":"/proc","type":"proc"},
    {"destination":"/sys","type":"sysfs"},{"destination":"/dev","type":"tmpfs"},
    {"destination":"/dev/pts","type":"devpts"},{"destination":"/dev/shm","type":"tmpfs"},
    {"destination":"/workspace","type":"bind","source":"/src"}],
    "annotations":{"io.cnb.hooks.role":"dev"}})");
  const Outcome before = run({"validate", bundle_});
  EXPECT_EQ(1, before.exit_code);
  EXPECT_EQ(0U, before.out.find("error cwd: cwd is \"\"\n  expected: \"/workspace\"\n"
                                "  fix:      run `oci-cnb spec apply` on the bundle, or add "
                                "--workdir /workspace\n"
                                "  rule:     RFC 0060, 3.2 Process Configuration\n"))
      << before.out;
  EXPECT_NE(before.out.npos, before.out.find(config_ + ": role dev: 5 errors, 1 warning\n"));

  run({"apply", "-i", kHooks, bundle_});
  const Outcome after = run({"validate", bundle_});
  EXPECT_EQ(0, after.exit_code);
  EXPECT_EQ(config_ + ": role dev: 0 errors, 0 warnings\n", after.out);
}

TEST_F(SpecCommands, ValidateSpeaksJson) {
  write(samples::read("runc-spec.json"));
  const Outcome outcome = run({"validate", "--format", "json", config_});
  EXPECT_EQ(0, outcome.exit_code);
  const json report = json::parse(outcome.out);
  EXPECT_EQ(config_, report["document"]);
  EXPECT_TRUE(report["role"].is_null());
  EXPECT_EQ(0, report["errors"]);
  EXPECT_EQ(1, report["warnings"]);
  ASSERT_EQ(1U, report["findings"].size());
  EXPECT_EQ((json{{"id", "mount-tmp"},
                  {"severity", "warning"},
                  {"specification", "RFC 0060, 3.2 Mounts"},
                  {"actual", "the root is read-only and nothing is mounted at \"/tmp\""},
                  {"expected", "a writable \"/tmp\""},
                  {"fix", "mount a tmpfs there, with nosuid,nodev,mode=1777"}}),
            report["findings"][0]);
  EXPECT_EQ(outcome.out, run({"validate", "--json", config_}).out);
}

TEST_F(SpecCommands, ValidateRefusesWhatIsNoDocument) {
  write("[]");
  expect_error(Code::kConfig, "config: the document isn't a JSON object; " + config_ + ":1:1", [&] {
    run({"validate", config_});
  });
  ASSERT_EQ(0, ::unlink(config_.c_str()));
  ASSERT_EQ(0, ::mkfifo(config_.c_str(), 0600));
  expect_error(Code::kConfig, "config: this is no regular file; \"" + config_ + "\"", [&] {
    run({"validate", bundle_});
  });
}

}  // namespace
}  // namespace hookcore::cli
