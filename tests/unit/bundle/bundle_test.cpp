#include "libhookcore/bundle/bundle.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libhookcore/bundle/host_rootfs.h"
#include "libhookcore/environment/verify.h"
#include "tests/unit/support/expect_error.h"

namespace hookcore::bundle {
namespace {

using nlohmann::json;
using Strings = std::vector<std::string>;

std::string text_of(const std::vector<oci::IdMapping>& maps) {
  std::string text;
  for (const oci::IdMapping& map : maps) {
    text += std::to_string(map.container_id) + ":" + std::to_string(map.host_id) + ":" +
            std::to_string(map.size) + " ";
  }
  return text;
}

TEST(MapIds, PutsTheUserWhereAskedAndLeavesNoGap) {
  EXPECT_EQ("0:1000:1 ", text_of(map_ids(1000, 0, {})));
  EXPECT_EQ("0:1000:1 1:100000:65536 ", text_of(map_ids(1000, 0, {{100000, 65536}})));
  EXPECT_EQ("0:100000:1001 1001:1000:1 1002:101001:64535 ",
            text_of(map_ids(1000, 1001, {{100000, 65536}})));
  EXPECT_EQ("0:100000:10 10:1000:1 11:200000:5 ",
            text_of(map_ids(1000, 10, {{100000, 10}, {200000, 5}})));
  EXPECT_EQ("0:100000:10 10:1000:1 ", text_of(map_ids(1000, 10, {{100000, 10}})));
  EXPECT_EQ("0:100000:10 10:200000:2 12:1000:1 13:200002:3 ",
            text_of(map_ids(1000, 12, {{100000, 10}, {200000, 5}})));
}

TEST(MapIds, RefusesAnIdThatNothingReaches) {
  expect_error(Code::kIds,
               "ids: the id 1001 needs as many subordinate ids; /etc/subuid and /etc/subgid; run "
               "as user 0, which is you, or add a line with: usermod --add-subuids",
               [] {
                 map_ids(1000, 1001, {{100000, 1000}});
               });
}

Options options(const std::string& role = "dev") {
  Options options;
  options.args = {"sh"};
  options.source = "/srv/app";
  options.hooks_directory = "/opt/hooks";
  options.annotations = {{"io.cnb.hooks.role", role}};
  return options;
}

Options rootless(uint32_t count) {
  Options plain = options();
  settings::IdRanges granted;
  if (count > 0) granted = {{100000, count}};
  plain.user_namespace = UserNamespace{map_ids(1000, 0, granted), map_ids(1000, 0, granted)};
  plain.starter = environment::Starter::kPlainUser;
  return plain;
}

json document(const Options& options) { return json::parse(make_document(options, {})); }

json mount_at(const json& document, const std::string& destination) {
  for (const json& mount : document["mounts"]) {
    if (mount["destination"] == destination) return mount;
  }
  return {};
}

bool has_option(const json& mount, const std::string& option) {
  const auto words = mount["options"].get<Strings>();
  return std::find(words.begin(), words.end(), option) != words.end();
}

/// The rules of `spec validate` are the other half of what is promised here.
TEST(MakeDocument, BreaksNoRuleInAnyVariant) {
  for (const std::string role : {"dev", "build", "detect", "launch"}) {
    for (const bool host_network : {false, true}) {
      for (Options one : {options(role), rootless(0), rootless(65536)}) {
        one.annotations["io.cnb.hooks.role"] = role;
        one.host_network = host_network;
        const auto view = oci::parse_config(make_document(one, {}));
        const auto request = optin::parse_request(view.annotations);
        ASSERT_TRUE(request);
        environment::Findings findings = environment::verify(view, *request, {});
        for (auto& finding : environment::verify_bundle(view, *request)) {
          findings.push_back(finding);
        }
        EXPECT_TRUE(findings.empty()) << role << ": " << findings[0].line();
      }
    }
  }
}

TEST(MakeDocument, GivesRootTheWholeEnvironment) {
  const json made = document(options());
  EXPECT_EQ("/workspace", made["process"]["cwd"]);
  EXPECT_EQ(Strings({"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                     "CNB_PLATFORM_API=0.12", "CNB_APP_DIR=/workspace", "CNB_LAYERS_DIR=/layers",
                     "CNB_PLATFORM_DIR=/platform"}),
            made["process"]["env"].get<Strings>());
  EXPECT_EQ("/srv/app", mount_at(made, "/workspace")["source"]);
  EXPECT_EQ("sysfs", mount_at(made, "/sys")["type"]);
  EXPECT_TRUE(has_option(mount_at(made, "/dev/pts"), "gid=5"));
  EXPECT_FALSE(has_option(mount_at(made, "/tmp"), "noexec"));
  EXPECT_FALSE(made["linux"].contains("uidMappings"));
  EXPECT_EQ("/opt/hooks/oci-cnb-createruntime", made["hooks"]["createRuntime"][0]["path"]);
  EXPECT_EQ("/opt/hooks/oci-cnb-poststop", made["hooks"]["poststop"][0]["path"]);
}

TEST(MakeDocument, GivesAPlainUserAUserNamespace) {
  const json alone = document(rootless(0));
  EXPECT_EQ(json::parse(R"([{"containerID":0,"hostID":1000,"size":1}])"),
            alone["linux"]["uidMappings"]);
  EXPECT_FALSE(has_option(mount_at(alone, "/dev/pts"), "gid=5"));
  EXPECT_TRUE(alone["hooks"].contains("createContainer"));
  EXPECT_FALSE(alone["hooks"].contains("createRuntime"));
  EXPECT_TRUE(has_option(mount_at(document(rootless(65536)), "/dev/pts"), "gid=5"));

  Options shared = rootless(0);
  shared.host_network = true;
  EXPECT_EQ("/sys", mount_at(document(shared), "/sys")["source"]);
}

TEST(MakeDocument, TakesWhatTheCallerSays) {
  Options own = options("build");
  own.user = {1001, 1002, {}};
  own.env = {"PATH=/bin", "A=1", "A=2", "CNB_PLATFORM_API=0.9"};
  own.terminal = true;
  own.hostname = "box";
  own.rootfs = "/srv/rootfs";
  own.rootfs_readonly = true;
  own.binds = {{"/srv/cnb", "/cnb", true}};
  own.tmpfs = {"/run"};
  own.annotations["io.cnb.hooks.workspace-path"] = "/app";
  const json made = document(own);
  EXPECT_EQ(json::parse(R"({"uid":1001,"gid":1002})"), made["process"]["user"]);
  EXPECT_EQ(Strings({"PATH=/bin", "TERM=xterm", "A=2", "CNB_PLATFORM_API=0.9",
                     "CNB_EXPERIMENTAL_MODE=warn", "CNB_APP_DIR=/app", "CNB_LAYERS_DIR=/layers",
                     "CNB_PLATFORM_DIR=/platform"}),
            made["process"]["env"].get<Strings>());
  EXPECT_EQ(json::array(), made["process"]["capabilities"]["effective"]);
  EXPECT_EQ(json::parse(R"({"path":"/srv/rootfs","readonly":true})"), made["root"]);
  EXPECT_EQ("box", made["hostname"]);
  EXPECT_EQ("/srv/app", mount_at(made, "/app")["source"]);
  EXPECT_TRUE(has_option(mount_at(made, "/cnb"), "ro"));
  EXPECT_EQ("tmpfs", mount_at(made, "/run")["type"]);
}

TEST(MakeDocument, RefusesWhatCantBeMeant) {
  Options bad = options();
  bad.annotations = {};
  EXPECT_THROW(make_document(bad, {}), Error);
  bad = options();
  bad.args = {"\xff"};
  expect_error(Code::kUsage,
               "usage: a path, argument or variable isn't UTF-8; config.json can't hold it; use "
               "names that are UTF-8",
               [&] { make_document(bad, {}); });
  bad = options();
  bad.env = {"CNB_PLATFORM_API=x"};
  EXPECT_THROW(make_document(bad, {}), Error);
}

Kind merged(const std::string& path) {
  if (path == "/lib64" || path == "/bin") return Kind::kLink;
  if (path == "/lib32" || path == "/etc/ssl/certs") return Kind::kDirectory;
  return path == "/etc/resolv.conf" ? Kind::kFile : Kind::kNothing;
}

TEST(HostRootfs, HasTheHostsProgramsAndNothingElse) {
  const HostView host{merged, [](const std::string& path) { return "usr" + path; }};
  const RootfsPlan plan = plan_host_rootfs(host, {1001, 1002, {}}, false);
  const std::vector<std::pair<std::string, std::string>> links = {{"/bin", "usr/bin"},
                                                                  {"/lib64", "usr/lib64"}};
  EXPECT_EQ(links, plan.links);
  Strings binds;
  for (const Bind& bind : plan.binds) {
    EXPECT_TRUE(bind.readonly);
    EXPECT_EQ(bind.source, bind.destination);
    binds.push_back(bind.source);
  }
  EXPECT_EQ(Strings({"/usr", "/lib32", "/etc/ssl/certs"}), binds);
  // Places for them are made by us, parents first.
  const auto at = [&](const char* path) {
    return std::find(plan.directories.begin(), plan.directories.end(), path);
  };
  EXPECT_LT(at("/etc/ssl"), at("/etc/ssl/certs"));
  EXPECT_NE(plan.directories.end(), at("/etc/ssl/certs"));
  EXPECT_EQ("root:x:0:0:root:/root:/bin/sh\ncnb:x:1001:1002:cnb:/tmp:/bin/sh\n",
            plan.files[0].second);
  const RootfsPlan online = plan_host_rootfs(host, {}, true);
  EXPECT_EQ("/etc/resolv.conf", online.binds.back().source);
  EXPECT_EQ("/etc/resolv.conf", online.files.back().first);
}

}  // namespace
}  // namespace hookcore::bundle
