#include "libhookcore/runtime/arguments.h"

#include <gtest/gtest.h>

namespace hookcore::runtime {
namespace {

/// Everything that was read, in one line; "-" for what isn't given.
std::string read(const Words& words, Dialect dialect) {
  const Invocation call = parse_arguments(words, dialect);
  const auto shown = [](const auto& value) { return value ? std::string(*value) : "-"; };
  return std::string(call.command) + " root=" + shown(call.root) + " log=" + shown(call.log) + ":" +
         std::string(call.log_format) + " bundle=" + shown(call.bundle) +
         " config=" + shown(call.config) + " process=" + shown(call.process) +
         " id=" + std::string(call.id);
}

std::string line(const std::string& command, const std::string& id, const std::string& bundle = "-",
                 const std::string& process = "-") {
  return command + " root=- log=-: bundle=" + bundle + " config=- process=" + process + " id=" + id;
}

struct Case {
  Words words;
  std::string expected;
};

void expect(Dialect dialect, const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    std::string shown;
    for (const std::string_view word : each.words) shown.append(word).append(" ");
    EXPECT_EQ(each.expected, read(each.words, dialect)) << shown;
  }
}

TEST(Arguments, AsEnginesGiveThem) {
  // containerd, Docker; podman and conmon; buildah.
  const Words containerd = {"--root",
                            "/run/containerd/runc/k8s.io",
                            "--log",
                            "/b/log.json",
                            "--log-format",
                            "json",
                            "--systemd-cgroup",
                            "create",
                            "--bundle",
                            "/b",
                            "--pid-file",
                            "/b/init.pid",
                            "--no-new-keyring",
                            "id1"};
  const std::string expected =
      "create root=/run/containerd/runc/k8s.io log=/b/log.json:json bundle=/b config=- process=- "
      "id=id1";
  EXPECT_EQ(expected, read(containerd, Dialect::kGo));
  EXPECT_EQ(expected, read(containerd, Dialect::kGetopt));
  const Words conmon = {"--log-format=json",
                        "--log=/c/oci-log",
                        "--cgroup-manager",
                        "cgroupfs",
                        "create",
                        "--bundle",
                        "/c",
                        "--pid-file",
                        "/c/pid",
                        "id2"};
  EXPECT_EQ("create root=- log=/c/oci-log:json bundle=/c config=- process=- id=id2",
            read(conmon, Dialect::kGetopt));
  const Words exec = {"--root",     "/r",   "--log",     "/l",          "--log-format",
                      "json",       "exec", "--process", "/tmp/p.json", "--detach",
                      "--pid-file", "/p",   "id3"};
  EXPECT_EQ("exec root=/r log=/l:json bundle=- config=- process=/tmp/p.json id=id3",
            read(exec, Dialect::kGo));
}

TEST(Arguments, InAllFormsOfGo) {
  expect(Dialect::kGo,
         {
             {{"create", "--bundle", "/b", "x"}, line("create", "x", "/b")},
             {{"create", "--bundle=/b", "x"}, line("create", "x", "/b")},
             {{"create", "-bundle", "/b", "x"}, line("create", "x", "/b")},
             {{"create", "-bundle=/b", "x"}, line("create", "x", "/b")},
             {{"run", "-b", "/b", "x"}, line("run", "x", "/b")},
             {{"run", "-b=/b", "x"}, line("run", "x", "/b")},
             {{"run", "--b", "/b", "x"}, line("run", "x", "/b")},
             {{"run", "x", "--bundle", "/b"}, line("run", "x", "/b")},
             {{"run", "--no-pivot", "-d", "x", "-b", "/b"}, line("run", "x", "/b")},
             {{"run", "-b", "/a", "-b", "/b", "x"}, line("run", "x", "/b")},
             {{"run", "--", "-b"}, line("run", "-b")},
             {{"run", "x", "--", "-b", "/b"}, line("run", "x")},
             {{"run", "-b", "-x", "y"}, line("run", "y", "-x")},
             {{"run", "-b"}, line("run", "", "")},
             {{"run"}, line("run", "")},
             {{"exec", "-p", "/p", "x"}, line("exec", "x", "-", "/p")},
             {{"exec", "-p=/p", "x"}, line("exec", "x", "-", "/p")},
             {{"exec", "x", "tool", "-p", "/p"}, line("exec", "x")},
             {{"exec", "-e", "A=b", "--cwd", "/", "-t", "x", "sh"}, line("exec", "x")},
         });
}

TEST(Arguments, InAllFormsOfGetopt) {
  expect(Dialect::kGetopt,
         {
             {{"create", "--bundle", "/b", "x"}, line("create", "x", "/b")},
             {{"create", "--bundle=/b", "x"}, line("create", "x", "/b")},
             {{"create", "--bun=/b", "x"}, line("create", "x", "/b")},
             {{"create", "--b", "/b", "x"}, line("create", "x", "/b")},
             {{"run", "-b", "/b", "x"}, line("run", "x", "/b")},
             {{"run", "-b/b", "x"}, line("run", "x", "/b")},
             {{"run", "-db/b", "x"}, line("run", "x", "/b")},
             {{"run", "-db", "/b", "x"}, line("run", "x", "/b")},
             {{"run", "-b=/b", "x"}, line("run", "x", "=/b")},
             {{"run", "--p", "n", "-b", "/b", "x"}, line("run", "x", "/b")},
             {{"run", "x", "-b", "/b"}, line("run", "x")},
             {{"exec", "-p/p", "x"}, line("exec", "x", "-", "/p")},
             {{"exec", "--process=/p", "--tty=true", "x"}, line("exec", "x", "-", "/p")},
             {{"exec", "--proc", "/p", "x"}, line("exec", "x")},  // ambiguous
             {{"exec", "-tu", "1:1", "-e", "A=b", "x", "-p", "/p"}, line("exec", "x")},
         });
}

TEST(Arguments, OfExecByOptions) {
  const Words words = {"--debug", "exec", "-eA=b", "--cwd=/x", "--env",
                       "C=",      "id",   "sh",    "-e",       "D=e"};
  const Invocation call = parse_arguments(words, Dialect::kGetopt);
  EXPECT_EQ((Words{"A=b", "C="}), call.env);
  EXPECT_TRUE(call.has_cwd);
  EXPECT_EQ(2U, call.options_at);
  EXPECT_FALSE(parse_arguments({"exec", "id", "--cwd", "/"}, Dialect::kGetopt).has_cwd);
}

TEST(Arguments, ConfigOfCrun) {
  EXPECT_EQ("run root=- log=-: bundle=/b config=c.json process=- id=x",
            read({"run", "-fc.json", "-b/b", "x"}, Dialect::kGetopt));
}

TEST(Arguments, ValuesOfGlobalOptionsAreNoCommands) {
  for (const Dialect dialect : {Dialect::kGo, Dialect::kGetopt}) {
    EXPECT_EQ(
        "run root=create log=exec: bundle=- config=- process=- id=x",
        read({"--root", "create", "--log", "exec", "--debug", "--rootless", "run", "run", "x"},
             dialect));
    EXPECT_EQ(line("run", "x"),
              read({"--criu=create", "--cgroup-manager", "exec", "run", "x"}, dialect));
  }
}

TEST(Arguments, UnknownOptionsArePassedOver) {
  EXPECT_EQ(line("create", "x", "/b"),
            read({"--new", "value", "--newer", "create", "--new", "-b", "/b", "x"}, Dialect::kGo));
  EXPECT_EQ(line("create", "x", "/b"),
            read({"--new=value", "create", "-q", "-b", "/b", "x"}, Dialect::kGetopt));
}

TEST(Arguments, HelpAndOtherCommandsAreNoneOfOurs) {
  EXPECT_EQ("", parse_arguments({}, Dialect::kGo).command);
  EXPECT_EQ("", parse_arguments({"--version"}, Dialect::kGo).command);
  EXPECT_EQ("", parse_arguments({"create", "--help"}, Dialect::kGo).command);
  EXPECT_EQ("", parse_arguments({"run", "-h", "x"}, Dialect::kGo).command);
  EXPECT_EQ("delete", parse_arguments({"delete", "--force", "x"}, Dialect::kGo).command);
  EXPECT_EQ("", parse_arguments({"-"}, Dialect::kGo).id);
}

}  // namespace
}  // namespace hookcore::runtime
