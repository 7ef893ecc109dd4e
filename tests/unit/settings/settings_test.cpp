#include "libhookcore/settings/settings.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/tree.h"

namespace hookcore::settings {
namespace {

Settings read(const std::string& text) {
  Settings settings;
  merge_settings(settings, text, "config.toml");
  return settings;
}

void refuse(const std::string& text, const std::string& line) {
  expect_error(Code::kSettings, line, [&] { read(text); });
}

TEST(Settings, HasDefaults) {
  const Settings settings = read("# nothing\n");
  EXPECT_EQ("0.12", settings.platform_api);
  EXPECT_EQ("warn", settings.experimental_mode);
  EXPECT_EQ(std::nullopt, settings.cnb_dir);
  EXPECT_EQ(std::nullopt, settings.scratch_dir);
  EXPECT_EQ(optin::Scratch{}, settings.defaults.scratch);
  EXPECT_EQ(optin::Enforce::kStrict, settings.defaults.enforce);
  EXPECT_FALSE(settings.defaults.debug);
}

TEST(Settings, ReadsEveryKey) {
  const Settings settings = read(R"(
    platform-api = "0.9"
    experimental-mode = "error"
    cnb-dir = "/opt//cnb/"
    scratch-dir = '/var/tmp/s'
    scratch = "tmpfs:1g"
    enforce = "warn"
    log = "debug"
    runtime = "crun"
    way = "copy"
    copy = "always"
    copy-limit = "500m"
  )");
  EXPECT_EQ("0.9", settings.platform_api);
  EXPECT_EQ("error", settings.experimental_mode);
  EXPECT_EQ("/opt/cnb", settings.cnb_dir);
  EXPECT_EQ("/var/tmp/s", settings.scratch_dir);
  EXPECT_EQ((optin::Scratch{true, uint64_t{1} << 30}), settings.defaults.scratch);
  EXPECT_EQ(optin::Enforce::kWarn, settings.defaults.enforce);
  EXPECT_TRUE(settings.defaults.debug);
  EXPECT_EQ("crun", settings.runtime);
  EXPECT_EQ((WayPolicy{Way::kCopy, CopyRule::kAlways, uint64_t{500} << 20}), settings.ways);
}

TEST(Settings, SaysWhichWaysMayBeTaken) {
  EXPECT_EQ((WayPolicy{std::nullopt, CopyRule::kReflink, uint64_t{1} << 30}), read("").ways);
  EXPECT_EQ(std::nullopt, read("way = \"auto\"").ways.only);
  EXPECT_EQ(Way::kFuse, read("way = \"fuse\"").ways.only);
  EXPECT_EQ(CopyRule::kNever, read("copy = \"never\"").ways.copy);
  EXPECT_EQ(0U, read("copy-limit = \"none\"").ways.copy_limit_bytes);
  refuse(
      "way = \"kernel\"",
      "settings: way is \"kernel\"; config.toml:1; give one of auto, overlay, fuse, reflink, copy");
  refuse("copy = \"yes\"",
         "settings: copy is \"yes\"; config.toml:1; give never, reflink or always");
  refuse("copy-limit = \"0\"",
         "settings: copy-limit is \"0\"; config.toml:1; give none, or bytes, for example \"500m\"");
}

TEST(Settings, ARuntimeIsANameOrAPath) {
  EXPECT_EQ("/opt/bin/runc", read("runtime = \"/opt//bin/runc\"").runtime);
  for (const std::string value : {"", ".", "..", "a/b", "/", "/a/../b", "a\\nb"}) {
    refuse("runtime = \"" + value + "\"",
           "settings: runtime is \"" + value +
               "\"; config.toml:1; give a program's name, or its absolute path without \"..\"");
  }
}

TEST(Settings, RefusesUnknownKeysWithTheirLine) {
  refuse("\nplatform_api = \"0.12\"\n",
         "settings: unknown key \"platform_api\"; config.toml:2; did you mean \"platform-api\"?");
  refuse("log = \"info\"\n[some-table]\n",
         "settings: unknown key \"some-table\"; config.toml:2; the keys are platform-api, "
         "experimental-mode, cnb-dir, scratch-dir, session-idle, scratch, enforce, log, runtime, "
         "way, copy, copy-limit");
}

TEST(Settings, RefusesBadValuesWithTheirLine) {
  refuse("# a\nplatform-api = 0.12",
         "settings: platform-api is no string; config.toml:2; give N.M, for example \"0.12\"");
  refuse("platform-api = \"latest\"",
         "settings: platform-api is \"latest\"; config.toml:1; give "
         "N.M, for example \"0.12\"");
  refuse("experimental-mode = \"loud\"",
         "settings: experimental-mode is \"loud\"; config.toml:1; "
         "give one of error, warn, quiet, silent");
  for (const std::string path : {"", "cnb", "/", "/a/../b", "/a\\nb"}) {
    EXPECT_THROW(read("cnb-dir = \"" + path + "\""), Error) << path;
    EXPECT_THROW(read("scratch-dir = \"" + path + "\""), Error) << path;
  }
  refuse("scratch = \"ram\"",
         "settings: scratch is \"ram\"; config.toml:1; give disk, tmpfs or "
         "tmpfs:SIZE, for example \"tmpfs:512m\"");
  refuse("enforce = \"no\"", "settings: enforce is \"no\"; config.toml:1; give strict or warn");
  refuse("log = true", "settings: log is no string; config.toml:1; give info or debug");
}

TEST(Settings, RefusesWhatIsNotToml) {
  for (const char* text : {"log = ", "log", "= 1", "log = \"info\nx", "log=\"a\"\nlog=\"b\"",
                           "\xff", "[[[[", "a.b.c = \"\\u00zz\""}) {
    try {
      read(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(Code::kSettings, error.code());
      EXPECT_EQ(error.where().find("config.toml:"), 0U) << error.where();
    }
  }
}

class SettingsFilesTest : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text, mode_t mode = 0644) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    EXPECT_EQ(0, ::chmod(path.c_str(), mode));
    return path;
  }

  const tree::Room room_{"settings"};
  const std::string directory_ = room_.path();
  const HostUser rootful_{0, true, {}};
  const HostUser rootless_{1000, false, "/home/dev"};
};

TEST_F(SettingsFilesTest, UsersKeysWinForTheRootless) {
  const SettingsFiles files = {file("s", "platform-api = \"0.7\"\nlog = \"debug\""),
                               file("u", "platform-api = \"0.8\"")};
  EXPECT_EQ("0.8", load_settings(rootless_, files).platform_api);
  EXPECT_TRUE(load_settings(rootless_, files).defaults.debug);
  EXPECT_EQ("0.7", load_settings(rootful_, files).platform_api);
}

TEST_F(SettingsFilesTest, AbsentFilesAreNoError) {
  const std::string log = file("f", "");
  EXPECT_EQ("0.12", load_settings(rootless_, {directory_ + "/none", ""}).platform_api);
  EXPECT_EQ("0.12", load_settings(rootless_, {"", log + "/below/a/file"}).platform_api);
}

TEST_F(SettingsFilesTest, RefusesWhatOthersCouldHaveWritten) {
  for (const mode_t mode : {0664, 0646}) {
    const std::string path = file("w", "", mode);
    char octal[8];
    std::snprintf(octal, sizeof octal, "%04o", mode);
    expect_error(Code::kSettings,
                 "settings: the configuration belongs to uid " + std::to_string(::geteuid()) +
                     " and has mode " + octal + ": somebody else could have written it; " + path +
                     "; chown it to root or yourself and chmod it to 0644",
                 [&] {
                   load_settings(rootful_, {path, ""});
                 });
  }
}

TEST_F(SettingsFilesTest, RefusesAnotherOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const std::string path = file("o", "");
  ASSERT_EQ(0, ::chown(path.c_str(), 12345, 0));
  EXPECT_THROW(load_settings(rootful_, {path, ""}), Error);
}

TEST_F(SettingsFilesTest, RefusesWhatIsNoFileWithoutWaiting) {
  const std::string fifo = directory_ + "/fifo";
  ASSERT_EQ(0, ::mkfifo(fifo.c_str(), 0600));
  expect_error(Code::kSettings, "settings: the configuration isn't a regular file; " + fifo, [&] {
    load_settings(rootful_, {fifo, ""});
  });
  EXPECT_THROW(load_settings(rootful_, {directory_, ""}), Error);
  EXPECT_THROW(load_settings(rootful_, {file("big", std::string(2U << 20, '#')), ""}), Error);
}

TEST(HostUser, ReadsUidMaps) {
  const std::string map = "         0       1000          1\n         1     100000      65536\n";
  EXPECT_EQ(1000U, outside_uid(map, 0));
  EXPECT_EQ(100000U, outside_uid(map, 1));
  EXPECT_EQ(165535U, outside_uid(map, 65536));
  EXPECT_EQ(70000U, outside_uid(map, 70000));
  EXPECT_EQ(5U, outside_uid("         0          0 4294967295\n", 5));
  EXPECT_EQ(5U, outside_uid("", 5));
  EXPECT_EQ(5U, outside_uid("junk\n1 2\n", 5));
}

TEST(HostUser, OfThisProcess) {
  const HostUser user = find_host_user();
  struct stat root {};
  ASSERT_EQ(0, ::stat("/", &root));
  EXPECT_EQ(::geteuid() == 0 && root.st_uid == 0, user.rootful);
  if (user.rootful) {
    EXPECT_EQ(0U, user.uid);
  }
}

}  // namespace
}  // namespace hookcore::settings
