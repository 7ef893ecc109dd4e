#include "libhookcore/settings/effective.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/tree.h"

namespace hookcore::settings {
namespace {

std::string changed(const std::string& text, const std::vector<Change>& changes) {
  return change_settings(text, changes, "config.toml");
}

class EffectiveSettings : public testing::Test {
 protected:
  static void write(const std::string& file, const std::string& text) {
    std::ofstream(file) << text;
    std::filesystem::permissions(file, std::filesystem::perms(0644));
  }

  Effective find(std::string_view key, const HostUser& user) const {
    for (const Effective& one : effective_settings(user, files_)) {
      if (one.key == key) return one;
    }
    return {};
  }

  const tree::Room directory_{"effective"};
  const std::string room_ = directory_.path();
  SettingsFiles files_{room_ + "/system.toml", room_ + "/user.toml"};
  const HostUser root_{0, true, {}};
  const HostUser user_{1000, false, "/home/ann"};
};

TEST_F(EffectiveSettings, HasEveryKeyInOrder) {
  std::vector<std::string_view> keys;
  for (const Effective& one : effective_settings(root_, files_)) {
    keys.push_back(one.key);
    EXPECT_EQ("", one.file);
  }
  EXPECT_EQ(key_names(), keys);
}

TEST_F(EffectiveSettings, DefaultsAreThoseThatHold) {
  Settings read;
  for (const Effective& one : effective_settings(root_, files_)) {
    if (!one.value.empty()) set_setting(read, one.key, one.value, "default");
  }
  const Settings defaults;
  EXPECT_EQ(defaults.platform_api, read.platform_api);
  EXPECT_EQ(defaults.experimental_mode, read.experimental_mode);
  EXPECT_EQ(defaults.session_idle_seconds, read.session_idle_seconds);
  EXPECT_EQ(defaults.defaults.scratch, read.defaults.scratch);
  EXPECT_EQ(defaults.defaults.enforce, read.defaults.enforce);
  EXPECT_EQ(defaults.defaults.debug, read.defaults.debug);
  EXPECT_EQ(defaults.ways, read.ways);
}

TEST_F(EffectiveSettings, TellsFileAndLineOfTheOneThatWins) {
  write(files_.system, "# all\nlog = \"debug\"\nscratch = \"tmpfs\"\n");
  write(files_.user, "\n\nscratch = 'disk'\n");
  EXPECT_EQ("debug", find("log", user_).value);
  EXPECT_EQ(files_.system, find("log", user_).file);
  EXPECT_EQ(2U, find("log", user_).line);
  EXPECT_EQ("disk", find("scratch", user_).value);
  EXPECT_EQ(files_.user, find("scratch", user_).file);
  EXPECT_EQ(3U, find("scratch", user_).line);
  EXPECT_EQ("tmpfs", find("scratch", root_).value);
}

TEST_F(EffectiveSettings, RefusesWhatAContainerWouldBeRefusedFor) {
  write(files_.system, "log = \"loud\"\n");
  expect_error(Code::kSettings,
               "settings: log is \"loud\"; " + files_.system + ":1; give info or debug",
               [&] { effective_settings(root_, files_); });
}

TEST(ChangeSettings, GoesBelowTheLineThatShowsTheKey) {
  const std::string before =
      "# Where.\n#scratch-dir = \"/x\"\n\n# What.\n#scratch = \"disk\"\n#log = \"info\"\n";
  const std::string after = changed(before, {{"scratch", "tmpfs:1g"}});
  EXPECT_EQ(
      "# Where.\n#scratch-dir = \"/x\"\n\n# What.\n#scratch = \"disk\"\nscratch = \"tmpfs:1g\"\n"
      "#log = \"info\"\n",
      after);
  EXPECT_EQ(before, changed(after, {{"scratch", std::nullopt}}));
}

TEST(ChangeSettings, GoesToTheEndOtherwise) {
  EXPECT_EQ("log = \"debug\"\n", changed("", {{"log", "debug"}}));
  EXPECT_EQ("copy = \"never\"\nlog = \"debug\"\n", changed("copy = \"never\"", {{"log", "debug"}}));
}

TEST(ChangeSettings, ReplacesTheValueAlone) {
  EXPECT_EQ("log  =  \"debug\" # because\n\n# end",
            changed("log  =  'info' # because\n\n# end", {{"log", "debug"}}));
  EXPECT_EQ("log = \"info\"\r\ncopy = \"never\"\r\n",
            changed("log = \"debug\"\r\ncopy = \"never\"\r\n", {{"log", "info"}}));
  EXPECT_EQ("log = \"info\"", changed("log = \"\"\"\ndebug\"\"\"", {{"log", "info"}}));
}

TEST(ChangeSettings, CountsCharactersAndWritesQuotes) {
  const std::string place = "/Größe/\\\"x\"";
  const std::string line = "cnb-dir = \"/Größe/\\\\\\\"x\\\"\"";
  EXPECT_EQ(line + " # ö\n", changed("cnb-dir = \"/älter\" # ö\n", {{"cnb-dir", place}}));
  EXPECT_EQ(line + " # ö\n", changed(line + " # ö\n", {{"cnb-dir", place}}));
}

TEST(ChangeSettings, SeveralAtOnceAndAgain) {
  const std::string once = changed("", {{"copy", "always"}, {"copy-limit", "2g"}});
  EXPECT_EQ("copy = \"always\"\ncopy-limit = \"2g\"\n", once);
  EXPECT_EQ(once, changed(once, {{"copy", "always"}, {"copy-limit", "2g"}}));
  EXPECT_EQ("", changed(once, {{"copy", std::nullopt}, {"copy-limit", std::nullopt}}));
  EXPECT_EQ("", changed("", {{"copy", std::nullopt}}));
}

TEST(ChangeSettings, MendsABadValue) {
  EXPECT_EQ("log = \"info\"\n", changed("log = 3\n", {{"log", "info"}}));
}

TEST(ChangeSettings, AByteOrderMarkIsNoColumn) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(mark + "log = \"info\"\n", changed(mark + "log = \"debug\"\n", {{"log", "info"}}));
  EXPECT_EQ(mark + "\nlog = \"info\"\n", changed(mark + "\nlog = ''\n", {{"log", "info"}}));
  EXPECT_EQ(mark + "copy = \"never\"\n",
            changed(mark + "log = \"debug\"\ncopy = \"never\"\n", {{"log", std::nullopt}}));
  EXPECT_EQ(mark + "log = \"debug\"\n", changed(mark, {{"log", "debug"}}));
  EXPECT_EQ(mark + "#log = \"info\"\nlog = \"debug\"\n# end\n",
            changed(mark + "#log = \"info\"\n# end\n", {{"log", "debug"}}));
}

TEST(ChangeSettings, TakesOutAKeyThatNobodyKnows) {
  EXPECT_EQ("log = \"info\"\n",
            changed("lgo = \"debug\"\nlog = \"info\"\n", {{"lgo", std::nullopt}}));
  EXPECT_EQ("",
            changed("a = [\n1,\n2]\nb = {c = 1}\n", {{"a", std::nullopt}, {"b", std::nullopt}}));
}

TEST(ChangeSettings, LeavesTablesToAPerson) {
  for (const std::string text :
       {"[lgo]\nlog = \"debug\"\n", "lgo.log = \"debug\"\n", "[[lgo]]\nlog = \"debug\"\n"}) {
    expect_error(Code::kSettings, "settings: \"lgo\" is a table; config.toml:1; mend it by hand",
                 [&] {
                   changed(text, {{"lgo", std::nullopt}});
                 });
  }
}

TEST(ChangeSettings, RefusesWhatIsWrong) {
  const auto refuse = [](const std::string& text, const Change& change, const std::string& line) {
    expect_error(Code::kSettings, line, [&] { changed(text, {change}); });
  };
  refuse("", {"lgo", "info"}, "settings: unknown key \"lgo\"; did you mean \"log\"?");
  refuse("", {"lgo", std::nullopt}, "settings: unknown key \"lgo\"; did you mean \"log\"?");
  refuse("", {"log", "loud"}, "settings: log is \"loud\"; give info or debug");
  refuse("", {"cnb-dir", "/a\xFF"},
         "settings: cnb-dir is \"/a\\xff\"; give it in UTF-8: config.toml can hold no other bytes");
  refuse("[log", {"log", "info"},
         "settings: not TOML: Error while parsing table header: encountered end-of-file; "
         "config.toml:1; mend it by hand");
  refuse("copy = \"no\"\n", {"log", "info"},
         "settings: copy is \"no\"; config.toml:1; give never, reflink or always");
}

}  // namespace
}  // namespace hookcore::settings
