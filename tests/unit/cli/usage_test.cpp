#include <gtest/gtest.h>

#include <utility>

#include "hooks/cli/command_line.h"
#include "libhookcore/base/error.h"

namespace hookcore::cli {
namespace {

/// The line for a command line that is wrong, in a program of some commands.
std::string told(std::vector<std::string> words) {
  CommandLine line("prog", "");
  line.program().needs_command();
  std::string text;
  bool flag = false;
  const Command group = line.program().command("session", "");
  group.needs_command();
  const Command list = group.command("list", "");
  list.flag("--json", flag, "");
  list.flag("--mapped", flag, "").hidden();
  group.command("log", "").option("SESSION", text, "").required();
  const Command install = line.program().command("install", "");
  install.option("engine", text, "").required().one_of({"podman", "docker"});
  install.option("--root", text, "").existing_directory();
  try {
    line.parse(std::move(words));
  } catch (const Error& error) {
    return error.line();
  }
  return "";
}

TEST(Usage, NamesTheNearestCommand) {
  EXPECT_EQ("usage: unknown command \"instal\"; prog; did you mean `prog install`?",
            told({"instal", "podman"}));
  EXPECT_EQ("usage: unknown command \"lst\"; prog session; did you mean `prog session list`?",
            told({"session", "lst"}));
}

TEST(Usage, NamesTheGroupOfACommand) {
  EXPECT_EQ("usage: unknown command \"log\"; prog; did you mean `prog session log`?",
            told({"log"}));
}

TEST(Usage, NamesTheNearestOption) {
  EXPECT_EQ("usage: unknown option \"--jsn\"; prog session list; did you mean `--json`?",
            told({"session", "list", "--jsn"}));
  EXPECT_EQ("usage: unknown option \"--rot=/x\"; prog install; did you mean `--root`?",
            told({"install", "podman", "--rot=/x"}));
  EXPECT_EQ("usage: unknown command \"help\"; prog; did you mean `prog --help`?", told({"help"}));
}

TEST(Usage, AHiddenOptionIsNotNamed) {
  EXPECT_EQ(
      "usage: unknown option \"--mappd\"; prog session list; `prog session list --help` has "
      "examples",
      told({"session", "list", "--mappd"}));
}

TEST(Usage, AnUnknownWordGoesBeforeAMissingOne) {
  EXPECT_EQ("usage: unknown option \"--hlp\"; prog session log; did you mean `--help`?",
            told({"session", "log", "--hlp"}));
}

TEST(Usage, WhereNothingIsNear) {
  EXPECT_EQ("usage: unknown command \"x\\nyyyyyyyyyyyy\"; prog; `prog --help` has examples",
            told({"x\nyyyyyyyyyyyy"}));
  EXPECT_EQ(
      "usage: one word too many: \"more\"; prog session list; `prog session list --help` has "
      "examples",
      told({"session", "list", "more"}));
}

TEST(Usage, WhatIsMissing) {
  EXPECT_EQ("usage: a command is missing; prog; use one of session, install", told({}));
  EXPECT_EQ("usage: a command is missing; prog session; use one of list, log", told({"session"}));
  EXPECT_EQ("usage: SESSION is required; prog session log; `prog session log --help` has examples",
            told({"session", "log"}));
}

TEST(Usage, WhichValuesThereAre) {
  EXPECT_EQ(
      "usage: engine: bad value \"dockr\"; use one of podman, docker; did you mean \"docker\"?; "
      "prog install",
      told({"install", "dockr"}));
}

}  // namespace
}  // namespace hookcore::cli
