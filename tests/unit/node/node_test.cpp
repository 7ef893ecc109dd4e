// A node made up in a directory: what the installer puts there, changes, and takes away again.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"
#include "libhookcore/node/containerd_config.h"
#include "libhookcore/node/crio_config.h"
#include "libhookcore/node/install.h"
#include "tests/unit/support/tree.h"

namespace hookcore::node {
namespace {

constexpr const char* kConfig = "/etc/containerd/config.toml";
constexpr const char* kVersion2 =
    "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\n"
    "sandbox_image = \"pause\"\n";

/// An Error of this code whose line holds part.
template <typename Call>
void expect_refusal(Code code, const std::string& part, Call call) {
  try {
    call();
    ADD_FAILURE() << "no error, expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    EXPECT_NE(error.line().find(part), std::string::npos) << error.line();
  }
}

std::string cri_runtime(const std::string& text, const std::string& name, const std::string& key,
                        const std::string& plugin = "io.containerd.grpc.v1.cri") {
  const toml::table config = parse_toml(text);
  const auto runtime = config["plugins"][plugin]["containerd"]["runtimes"][name];
  const auto direct = runtime[key].value<std::string>();
  return direct ? *direct : runtime["options"][key].value_or(std::string());
}

Handler handler() {
  Handler handler;
  handler.base_spec = "/opt/base.json";
  return handler;
}

/// A configuration of one file.
std::string with_handler(const std::string& text, const Handler& handler) {
  const std::string own = without_handler(text, kConfig);
  return node::with_handler({{{kConfig, own}}, ""}, handler).text;
}
std::string without_handler(const std::string& text) {
  return node::without_handler(text, kConfig);
}

TEST(ContainerdConfig, AddsAHandlerAndTheDefaultThatItWouldReplace) {
  const std::string text = with_handler(kVersion2, handler());
  EXPECT_TRUE(text.starts_with(kVersion2));
  EXPECT_EQ(cri_runtime(text, "cnb", "base_runtime_spec"), "/opt/base.json");
  EXPECT_EQ(cri_runtime(text, "runc", "runtime_type"), "io.containerd.runc.v2");
  EXPECT_EQ(parse_toml(text)["plugins"]["io.containerd.nri.v1.nri"]["disable"].value_or(true),
            false);
}

TEST(ContainerdConfig, AddingTwiceIsAddingOnce) {
  const std::string once = with_handler(kVersion2, handler());
  EXPECT_EQ(with_handler(once, handler()), once);
}

TEST(ContainerdConfig, RemovingGivesTheFileBack) {
  EXPECT_EQ(without_handler(with_handler(kVersion2, handler())), kVersion2);
  EXPECT_EQ(without_handler(with_handler("", handler())), "");
  EXPECT_EQ(without_handler(kVersion2), kVersion2);
  const std::string unended = "version = 2  # without an end";
  EXPECT_EQ(without_handler(with_handler(unended, handler())), unended);
  EXPECT_EQ(cri_runtime(with_handler(unended, handler()), "cnb", "base_runtime_spec"),
            "/opt/base.json");
}

TEST(ContainerdConfig, TakesTypeAndOptionsOfTheHandlerItStandsOn) {
  const std::string text =
      "version = 3\n[plugins.\"io.containerd.cri.v1.runtime\".containerd]\n"
      "default_runtime_name = \"crun\"\n"
      "[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.crun]\n"
      "runtime_type = \"io.containerd.runc.v2\"\n"
      "[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.crun.options]\n"
      "BinaryName = \"/usr/bin/crun\"\nSystemdCgroup = true\n";
  const std::string result = with_handler(text, handler());
  const std::string plugin = "io.containerd.cri.v1.runtime";
  EXPECT_EQ(cri_runtime(result, "cnb", "BinaryName", plugin), "/usr/bin/crun");
  EXPECT_TRUE(
      parse_toml(
          result)["plugins"][plugin]["containerd"]["runtimes"]["cnb"]["options"]["SystemdCgroup"]
          .value_or(false));
  EXPECT_EQ(cri_runtime(result, "runc", "runtime_type", plugin), "");  // was none of the node's
}

TEST(ContainerdConfig, WithoutNriTheAnnotationsArePassedOn) {
  Handler alone = handler();
  alone.door = Door::kSpec;
  const toml::table config = parse_toml(with_handler(kVersion2, alone));
  const auto runtime =
      config["plugins"]["io.containerd.grpc.v1.cri"]["containerd"]["runtimes"]["cnb"];
  EXPECT_EQ(runtime["pod_annotations"][1].value_or(std::string()), "io.cnb.hooks.*/*");
  EXPECT_FALSE(config["plugins"]["io.containerd.nri.v1.nri"]);
}

TEST(ContainerdConfig, RefusesWhatItCannotAddTo) {
  const std::string foreign =
      std::string(kVersion2) +
      "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.cnb]\nruntime_type = \"x\"\n";
  expect_refusal(Code::kSettings, "that isn't ours", [&] { with_handler(foreign, handler()); });
  expect_refusal(Code::kSettings, "version 1", [] { with_handler("root = \"/x\"\n", handler()); });
  expect_refusal(Code::kSettings, "/etc/containerd/config.toml:2",
                 [] { with_handler("version = 2\n[[[\n", handler()); });
  expect_refusal(Code::kSettings, "can't be added", [] {
    with_handler("version = 2\nplugins = {\"io.containerd.grpc.v1.cri\" = {}}\n", handler());
  });
  Handler on_nothing = handler();
  on_nothing.based_on = "kata";
  expect_refusal(Code::kSettings, "no runtime handler \"kata\"",
                 [&] { with_handler(kVersion2, on_nothing); });
  std::string torn = with_handler(kVersion2, handler());
  torn.resize(torn.find("# END"));
  expect_refusal(Code::kSettings, "lost its end", [&] { with_handler(torn, handler()); });
}

class Node : public ::testing::Test {
 protected:
  Node() {
    tree::make(directory_, {"host/etc/containerd/", "host/usr/bin/crun=runtime"});
    tree::write(root() + kConfig, kVersion2);
    for (const char* name :
         {"oci-cnb", "oci-cnb-createruntime", "oci-cnb-guard", "oci-cnb-poststop"}) {
      tree::make(directory_, {"programs/" + std::string(name) + "=program " + name});
    }
    request_.programs = {directory_ + "/programs"};
  }

  std::string root() const { return directory_ + "/host"; }
  bool install() {
    const Host host(root());
    return node::install(host, plan_install(host, request_));
  }
  bool uninstall(std::optional<Engine> engine = std::nullopt) {
    const Host host(root());
    return node::uninstall(host, plan_uninstall(host, engine));
  }
  std::string read(const std::string& path) const { return tree::read(root() + path); }

  const tree::Room room_{"node"};
  const std::string directory_ = room_.path();
  Request request_;
};

TEST_F(Node, EverythingIsInPlace) {
  EXPECT_TRUE(install());
  EXPECT_EQ(read("/opt/oci-cnb-hooks/current/oci-cnb-guard"), "program oci-cnb-guard");
  struct ::stat status {};
  ASSERT_EQ(::stat((root() + "/opt/oci-cnb-hooks/current/oci-cnb-guard").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0755U);
  EXPECT_EQ(cri_runtime(read(kConfig), "cnb", "base_runtime_spec"),
            "/opt/oci-cnb-hooks/current/base-spec.json");
  const auto spec = nlohmann::json::parse(read("/opt/oci-cnb-hooks/current/base-spec.json"));
  EXPECT_EQ(spec["hooks"]["createRuntime"][0]["path"], "/opt/oci-cnb-hooks/current/oci-cnb-guard");
  EXPECT_FALSE(spec["hooks"]["createRuntime"][0]["env"].empty());
  EXPECT_EQ(spec["process"]["cwd"], "/workspace");
}

TEST_F(Node, WithoutNriTheSpecCallsTheMountHook) {
  request_.door = Door::kSpec;
  request_.settings.platform_api = "0.13";
  install();
  const auto spec = nlohmann::json::parse(read("/opt/oci-cnb-hooks/current/base-spec.json"));
  EXPECT_EQ(spec["hooks"]["createRuntime"][0]["path"],
            "/opt/oci-cnb-hooks/current/oci-cnb-createruntime");
  EXPECT_EQ(spec["hooks"]["poststop"][0]["args"][0], "oci-cnb-poststop");
  EXPECT_EQ(spec["process"]["env"][0], "CNB_PLATFORM_API=0.13");
}

TEST_F(Node, AgainChangesNothing) {
  install();
  const auto before = tree::snapshot(root());
  EXPECT_FALSE(install());
  EXPECT_EQ(tree::snapshot(root()), before);
}

TEST_F(Node, AnUpgradeKeepsTheVersionBefore) {
  install();
  const Host host(root());
  const std::string first = host.link("/opt/oci-cnb-hooks/current").value();
  for (const char* text : {"second", "third"}) {
    tree::write(directory_ + "/programs/oci-cnb-guard", text);
    EXPECT_FALSE(install());  // the engine's configuration is the same
    EXPECT_EQ(read("/opt/oci-cnb-hooks/current/oci-cnb-guard"), text);
  }
  EXPECT_EQ(tree::names(root() + "/opt/oci-cnb-hooks/versions").size(), 2U);
  EXPECT_FALSE(tree::exists(root() + "/opt/oci-cnb-hooks/" + first));
}

TEST_F(Node, WhatAKilledInstallationLeftIsReplaced) {
  tree::make(root(), {"opt/oci-cnb-hooks/current.new->nowhere"});
  const Host host(root());
  const Plan plan = plan_install(host, request_);
  tree::make(root(), {"opt/oci-cnb-hooks/versions/" + plan.version + ".new/oci-cnb=half"});
  node::install(host, plan);
  EXPECT_EQ(read("/opt/oci-cnb-hooks/current/oci-cnb"), "program oci-cnb");
  EXPECT_EQ(tree::names(root() + "/opt/oci-cnb-hooks/versions").size(), 1U);
}

TEST_F(Node, UninstallingRestoresTheNode) {
  const auto config = read(kConfig);
  install();
  EXPECT_TRUE(uninstall());
  EXPECT_EQ(read(kConfig), config);
  EXPECT_FALSE(tree::exists(root() + "/opt/oci-cnb-hooks"));
  EXPECT_FALSE(uninstall());
}

TEST_F(Node, AFileThatWasNotThereGoesAgain) {
  ::unlink((root() + kConfig).c_str());
  install();
  EXPECT_EQ(cri_runtime(read(kConfig), "cnb", "base_runtime_spec"),
            "/opt/oci-cnb-hooks/current/base-spec.json");
  uninstall();
  EXPECT_FALSE(tree::exists(root() + kConfig));
}

TEST_F(Node, CrioGetsHooksAndAHandler) {
  request_.engine = Engine::kCrio;
  install();
  const toml::table config = parse_toml(read("/etc/crio/crio.conf.d/50-oci-cnb-hooks.conf"));
  EXPECT_EQ(config["crio"]["runtime"]["runtimes"]["cnb"]["runtime_path"].value_or(std::string()),
            "/usr/bin/crun");
  EXPECT_EQ(config["crio"]["runtime"]["hooks_dir"][1].value_or(std::string()),
            "/opt/oci-cnb-hooks/current/hooks.d");
  const auto hook = nlohmann::json::parse(
      read("/opt/oci-cnb-hooks/current/hooks.d/90-oci-cnb-createruntime.json"));
  EXPECT_EQ(hook["stages"], nlohmann::json::array({"createRuntime"}));
  EXPECT_EQ(read(kConfig), kVersion2);
  uninstall();
  EXPECT_FALSE(tree::exists(root() + "/etc/crio/crio.conf.d/50-oci-cnb-hooks.conf"));
}

TEST_F(Node, OfCrioNothingIsLeft) {
  request_.engine = Engine::kCrio;
  const auto names = [&] { return tree::names(root() + "/etc"); };
  const auto before = names();
  install();
  EXPECT_NE(names(), before);
  EXPECT_TRUE(uninstall(Engine::kCrio));
  EXPECT_EQ(names(), before);
}

TEST_F(Node, AFileOfCriosThatIsNotOursStays) {
  request_.engine = Engine::kCrio;
  tree::make(root(), {"etc/crio/crio.conf.d/50-oci-cnb-hooks.conf=theirs"});
  expect_refusal(Code::kSettings, "a file of this name isn't ours", [&] { install(); });
  EXPECT_FALSE(uninstall());
  EXPECT_EQ(read("/etc/crio/crio.conf.d/50-oci-cnb-hooks.conf"), "theirs");
}

/// The lines of a description that are no diff.
std::string without_diff(const std::string& text) {
  std::string rest;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    for (const char* word : {"write ", "link ", "remove "}) {
      if (line.starts_with(word)) rest += line + "\n";
    }
  }
  return rest;
}

TEST_F(Node, TheDescriptionTellsWhatGoes) {
  const Host host(root());
  install();
  const std::string first = "/opt/oci-cnb-hooks/" + host.link("/opt/oci-cnb-hooks/current").value();
  EXPECT_EQ(describe(host, plan_install(host, request_)), "");
  tree::write(directory_ + "/programs/oci-cnb-guard", "second");
  install();
  tree::write(directory_ + "/programs/oci-cnb-guard", "third");
  const Plan third = plan_install(host, request_);
  const std::string text = without_diff(describe(host, third));
  EXPECT_NE(text.find("versions/" + third.version + "/oci-cnb-guard (5 B)\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("link /opt/oci-cnb-hooks/current to versions/" + third.version +
                             "\nremove " + first + "\n"))
      << text;
  // Back to one that is there: nothing is written.
  node::install(host, third);
  tree::write(directory_ + "/programs/oci-cnb-guard", "second");
  const Plan second = plan_install(host, request_);
  EXPECT_EQ(describe(host, second),
            "link /opt/oci-cnb-hooks/current to versions/" + second.version + "\n");
}

TEST_F(Node, TheDescriptionOfUninstallingIsExact) {
  std::filesystem::remove_all(root() + "/etc/containerd");
  install();
  request_.engine = Engine::kCrio;
  install();
  const Host host(root());
  const std::string text = describe(host, plan_uninstall(host, std::nullopt));
  EXPECT_EQ(without_diff(text),
            "remove /etc/containerd\nremove /etc/crio/crio.conf.d\nremove /etc/crio\n"
            "remove /opt/oci-cnb-hooks\n");
  EXPECT_NE(text.find("+++ /dev/null\n"), std::string::npos);
  tree::make(root(), {"etc/crio/theirs"});
  EXPECT_EQ(without_diff(describe(host, plan_uninstall(host, Engine::kCrio))),
            "remove /etc/crio/crio.conf.d\n");
}

/// What CRI-O's own packages bring: conmon isn't in the PATH, and a handler that doesn't name it
/// keeps CRI-O from starting.
constexpr const char* kCrioOfItsPackage =
    "[crio.runtime]\ndefault_runtime = \"runc\"\n"
    "[crio.runtime.runtimes.runc]\nruntime_path = \"/usr/libexec/crio/runc\"\n"
    "runtime_root = \"/run/runc\"\nmonitor_path = \"/usr/libexec/crio/conmon\"\n"
    "allowed_annotations = [\"a\", \"b\"]\nprivileged_without_host_devices = true\n"
    "container_create_timeout = 300\ndefault_annotations = {\"x.y\" = \"z\"}\n";

TEST_F(Node, CriosHandlerHasAllOfTheDefaultOne) {
  request_.engine = Engine::kCrio;
  tree::make(root(), {"etc/crio/crio.conf.d/deeper/"});
  tree::write(root() + "/etc/crio/crio.conf", "[crio.runtime]\ndefault_runtime = \"crun\"\n");
  tree::write(root() + "/etc/crio/crio.conf.d/10-crio.conf", kCrioOfItsPackage);
  for (int i = 0; i < 2; ++i) {
    install();
    const toml::table config = parse_toml(read(kCrioConfig));
    const auto handler = config["crio"]["runtime"]["runtimes"]["cnb"];
    EXPECT_EQ(handler["runtime_path"].value_or(std::string()), "/usr/libexec/crio/runc");
    EXPECT_EQ(handler["monitor_path"].value_or(std::string()), "/usr/libexec/crio/conmon");
    EXPECT_EQ(handler["allowed_annotations"][1].value_or(std::string()), "b");
    EXPECT_TRUE(handler["privileged_without_host_devices"].value_or(false));
    EXPECT_EQ(handler["container_create_timeout"].value_or(0), 300);
    EXPECT_EQ(handler["default_annotations"]["x.y"].value_or(std::string()), "z");
  }
  request_.based_on = "crun";
  install();
  EXPECT_NE(read(kCrioConfig).find("runtime_path = \"/usr/bin/crun\"\nruntime_type = \"oci\""),
            std::string::npos);
}

TEST_F(Node, CriosDefaultHandlerMayBeOurs) {
  request_.engine = Engine::kCrio;
  tree::make(root(), {"etc/crio/crio.conf.d/"});
  install();
  tree::write(root() + "/etc/crio/crio.conf.d/60-site.conf",
              "[crio.runtime]\ndefault_runtime = \"cnb\"\n");
  EXPECT_FALSE(install()) << "it stands on what it stood on";
}

TEST_F(Node, CriosOtherHandlersMayHaveAnySetting) {
  request_.engine = Engine::kCrio;
  tree::make(root(), {"etc/crio/"});
  tree::write(root() + "/etc/crio/crio.conf", "[crio.runtime.runtimes.kata]\nx = 1.5\n");
  EXPECT_TRUE(install());
  request_.based_on = "kata";
  expect_refusal(Code::kSettings, "setting \"x\" of the runtime handler \"kata\"",
                 [&] { install(); });
}

TEST_F(Node, CriosHooksOfOthersStay) {
  request_.engine = Engine::kCrio;
  const std::string theirs = root() + "/etc/crio/crio.conf.d/00-default";
  tree::make(root(), {"etc/crio/crio.conf.d/"});
  tree::write(theirs, "[crio.runtime]\nhooks_dir = [\"/etc/containers/oci/hooks.d\"]\n");
  install();
  const auto directories = [&] {
    return read_crio(Host(root()), true).hooks_directories.value_or(std::vector<std::string>{});
  };
  EXPECT_EQ(directories(), (std::vector<std::string>{"/etc/containers/oci/hooks.d", kCrioHooks}));
  const Plan plan = plan_install(Host(root()), request_);
  EXPECT_EQ(plan.notes.size(), 1U);
  tree::write(root() + "/etc/crio/crio.conf.d/99", "[crio.runtime]\nhooks_dir = [\"/b\"]\n");
  EXPECT_EQ(plan_install(Host(root()), request_).notes.front(),
            "/etc/crio/crio.conf.d/99 comes later and has a hooks_dir of its own: add "
            "/opt/oci-cnb-hooks/current/hooks.d there, or pods start unfiltered while oci-cnb-nri "
            "is away");
  const auto drop_in = read(kCrioConfig);
  EXPECT_FALSE(install()) << "a later list is no part of ours";
  EXPECT_EQ(read(kCrioConfig), drop_in);
}

TEST_F(Node, CrioWithRuncAlone) {
  request_.engine = Engine::kCrio;
  std::filesystem::remove(root() + "/usr/bin/crun");
  expect_refusal(Code::kSettings, "no runtime \"runc\"", [&] { install(); });
  tree::make(root(), {"usr/sbin/runc=x"});
  install();
  EXPECT_NE(read(kCrioConfig).find("runtime_path = \"/usr/sbin/runc\""), std::string::npos);
}

TEST_F(Node, WhatOfCrioCanNotBeAddedToIsRefused) {
  request_.engine = Engine::kCrio;
  tree::make(root(), {"etc/crio/"});
  const auto refused = [&](const std::string& text, const std::string& words) {
    tree::write(root() + "/etc/crio/crio.conf", text);
    expect_refusal(Code::kSettings, words, [&] { install(); });
    EXPECT_FALSE(tree::exists(root() + "/opt/oci-cnb-hooks"));
  };
  refused("[crio.runtime.runtimes.cnb]\n", "handler \"cnb\" that isn't ours");
  refused("[crio.runtime.runtimes.crun]\nx = 1.5\n",
          "setting \"x\" of the runtime handler \"crun\" can't be carried over");
  refused("[crio.runtime.runtimes.crun]\nx = [1, 1.5]\n", "can't be carried over");
  refused("[crio.runtime.runtimes.crun.x]\na = 1.5\n", "can't be carried over");
  refused("[crio\n", "/etc/crio/crio.conf:1; CRI-O can't read it either: mend the line");
}

TEST_F(Node, ProgramsMayLieApart) {
  tree::make(directory_, {"libexec/"});
  ASSERT_EQ(::rename((directory_ + "/programs/oci-cnb-guard").c_str(),
                     (directory_ + "/libexec/oci-cnb-guard").c_str()),
            0);
  request_.programs = {directory_ + "/programs", directory_ + "/libexec"};
  install();
  EXPECT_EQ(read("/opt/oci-cnb-hooks/current/oci-cnb-guard"), "program oci-cnb-guard");
  EXPECT_EQ(read("/opt/oci-cnb-hooks/current/oci-cnb-poststop"), "program oci-cnb-poststop");
}

TEST_F(Node, ProgramsStayForTheOtherEngine) {
  request_.door = Door::kSpec;
  install();
  request_.door = Door::kNri;
  const auto spec = read("/opt/oci-cnb-hooks/current/base-spec.json");
  request_.engine = Engine::kCrio;
  install();
  EXPECT_EQ(read("/opt/oci-cnb-hooks/current/base-spec.json"), spec);
  EXPECT_TRUE(uninstall(Engine::kContainerd));
  EXPECT_EQ(read(kConfig), kVersion2);
  EXPECT_TRUE(tree::exists(root() + "/opt/oci-cnb-hooks/current/oci-cnb-createruntime"));
  EXPECT_TRUE(uninstall(Engine::kCrio));
  EXPECT_FALSE(tree::exists(root() + "/opt/oci-cnb-hooks"));
}

TEST_F(Node, NothingIsDoneWhereAProgramIsMissing) {
  ::unlink((directory_ + "/programs/oci-cnb-poststop").c_str());
  const auto before = tree::snapshot(root());
  expect_refusal(Code::kUsage, "no program oci-cnb-poststop", [&] { install(); });
  EXPECT_EQ(tree::snapshot(root()), before);
}

TEST_F(Node, ALinkInTheNodesTreeStaysInIt) {
  std::filesystem::remove_all(root() + "/etc/containerd");
  tree::make(root(), {"etc/containerd->/srv/containerd", "srv/containerd/"});
  tree::write(root() + "/srv/containerd/config.toml", kVersion2);
  install();
  EXPECT_NE(read("/srv/containerd/config.toml").find("runtimes.\"cnb\""), std::string::npos);
}

}  // namespace
}  // namespace hookcore::node
