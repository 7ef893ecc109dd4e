// Runtime handlers, NRI and its plugin, Docker: configurations made up in a directory.
#include "libhookcore/node/base_spec.h"
#include "libhookcore/node/crio_config.h"
#include "tests/unit/doctor/fixture.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kConfig = "/etc/containerd/config.toml";
constexpr const char* kSpec = "/opt/oci-cnb-hooks/current/base-spec.json";
constexpr const char* kSocket = "/var/run/nri/nri.sock";

class Pods : public Doctor {
 protected:
  Pods() {
    put("/usr/bin/containerd", "engine", 0755);
    put(kConfig, handler());
    put_spec(node::Door::kNri);
    for (const char* name : {"guard", "createruntime", "poststop"}) {
      put(std::string("/opt/oci-cnb-hooks/current/oci-cnb-") + name, "program", 0755);
    }
    put(kSocket, "", 0600);
    plugin_ = {true, true};
  }

  static std::string handler(const std::string& more = {}) {
    return std::string(
               "version = 3\n"
               "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.cnb]\n"
               "runtime_type = 'io.containerd.runc.v2'\nbase_runtime_spec = '") +
           kSpec + "'\n" + more;
  }
  void put_spec(node::Door door) {
    put(kSpec, node::base_spec(door, "/opt/oci-cnb-hooks/current", {}));
  }
};

TEST_F(Pods, AllIsWell) {
  EXPECT_EQ("", complaints());
  bool told = false;
  for (const Finding& finding : examine(machine())) {
    told = told || finding.what == "oci-cnb-nri is connected to /var/run/nri/nri.sock";
  }
  EXPECT_TRUE(told);
}

TEST_F(Pods, ThePluginIsNeededForTheGuard) {
  plugin_ = {false, std::nullopt};
  EXPECT_EQ(complaints(), "fail nri: oci-cnb-nri doesn't run\n");
  plugin_ = {true, false};
  EXPECT_HAS(complaints(), "fail nri: oci-cnb-nri runs, and isn't connected");
  plugin_ = {true, std::nullopt};
  EXPECT_EQ("", complaints());
  remove(kSocket);
  EXPECT_HAS(complaints(), "fail nri: there is no NRI socket /var/run/nri/nri.sock");
  put_spec(node::Door::kSpec);
  EXPECT_EQ("", complaints()) << "no guard";
  put("/etc/systemd/system/multi-user.target.wants/oci-cnb-nri.service", "");
  EXPECT_HAS(complaints(), "fail nri: there is no NRI socket") << "the service is enabled";
}

TEST_F(Pods, NriIsOffByDefaultBefore2) {
  EXPECT_EQ("", complaints());
  version_ = "1.7.24";
  EXPECT_HAS(complaints(), "fail nri: NRI is off");
  put(kConfig,
      handler("[plugins.'io.containerd.nri.v1.nri']\ndisable = false\nsocket_path = '/x'\n"));
  EXPECT_HAS(complaints(), "fail nri: there is no NRI socket /x");
  version_ = "5.4.2";
  put(kConfig, handler("[plugins.'io.containerd.nri.v1.nri']\ndisable = true\n"));
  EXPECT_HAS(complaints(), "fail nri: NRI is off");
}

TEST_F(Pods, ASocketForEverybodyIsAFailureEvenWhereNobodyNeedsIt) {
  ::chmod((root_ + kSocket).c_str(), 0666);
  put(kConfig, "version = 3\n");
  EXPECT_EQ(complaints(), "fail nri: /var/run/nri/nri.sock is open to everybody\n");
}

TEST_F(Pods, WhatTheHandlerNamesMustBeThere) {
  remove("/opt/oci-cnb-hooks/current/oci-cnb-guard");
  EXPECT_HAS(complaints(), "fail programs: /opt/oci-cnb-hooks/current/oci-cnb-guard is missing");
  for (const char* text : {"", "[]", "{\"hooks\": 1}", "{\"hooks\": {\"poststop\": [{}]}}"}) {
    put(kSpec, text);
    EXPECT_HAS(complaints(), "fail runtime-handler: handler \"cnb\": ") << text;
  }
  put(kSpec, "{}");
  EXPECT_HAS(complaints(), "calls none of our hooks");
  remove(kSpec);
  EXPECT_HAS(complaints(), "base-spec.json\", which is missing");
}

TEST_F(Pods, HandlersOfOthersAreTheirs) {
  put(kConfig,
      "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.x]\n"
      "base_runtime_spec = '/etc/x.json'\n");
  EXPECT_EQ("", complaints());
  put("/etc/x.json", R"({"hooks": {"prestart": [{"path": "/bin/x"}]}})");
  EXPECT_EQ("", complaints());
}

TEST_F(Pods, TheWrapperNeedsAnnotations) {
  const std::string table = "plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.w";
  const std::string options = "[" + table + ".options]\nBinaryName = '/usr/bin/oci-cnb-runtime'\n";
  put(kConfig, "version = 3\n[" + table + "]\n" + options);
  EXPECT_HAS(complaints(), "fail programs: /usr/bin/oci-cnb-runtime is missing");
  put("/usr/bin/oci-cnb-runtime", "program", 0755);
  EXPECT_HAS(complaints(), "fail runtime-handler: handler \"w\" has no pod_annotations");
  put(kConfig, "version = 3\n[" + table + "]\npod_annotations = ['io.cnb.hooks.*']\n" + options);
  EXPECT_EQ("", complaints());
}

TEST_F(Pods, AConfigurationThatCanNotBeReadIsAWarning) {
  put(kConfig, "[plugins\n");
  EXPECT_HAS(complaints(), "warn runtime-handler: ");
  put(kConfig, "");
  remove(kConfig);
  EXPECT_EQ("", complaints());
}

TEST_F(Pods, TheyAreNoPlainUsersBusiness) {
  put("/etc/passwd", "ann:x:" + std::to_string(::geteuid()) + ":1::/home/ann:/bin/sh\n");
  plugin_ = {};
  EXPECT_EQ(complaints(machine(false)).find("nri"), std::string::npos);
}

/// CRI-O as `oci-cnb install crio` leaves it, and no containerd.
class Crio : public Pods {
 protected:
  Crio() {
    remove(kConfig);
    put(kOwn, std::string("[crio.runtime]\nhooks_dir = ['/a', '") + node::kCrioHooks +
                  "']\n[crio.runtime.runtimes.cnb]\nruntime_path = '/usr/bin/crun'\n");
    put(std::string(node::kCrioHooks) + "/90.json", "{}");
  }
  static constexpr const char* kOwn = node::kCrioConfig;
};

TEST_F(Crio, AllIsWell) { EXPECT_EQ("", complaints()); }

TEST_F(Crio, ReadsTheLastHooksDir) {
  put("/etc/crio/crio.conf", "[crio.runtime]\nhooks_dir = ['/b']\n");
  EXPECT_EQ("", complaints());
  put("/etc/crio/crio.conf.d/60", "[crio.runtime]\nhooks_dir = ['/b']\n");
  EXPECT_HAS(complaints(), "fail runtime-handler: CRI-O doesn't read");
  put("/etc/crio/crio.conf.d/60", "[crio\n");
  EXPECT_HAS(complaints(), "fail runtime-handler: ");
  EXPECT_HAS(complaints(), "; /etc/crio/crio.conf.d/60:1\n");
}

TEST_F(Crio, WhatOurFileLeadsToMustBeThere) {
  remove(std::string(node::kCrioHooks) + "/90.json");
  EXPECT_HAS(complaints(),
             "fail runtime-handler: /opt/oci-cnb-hooks/current/hooks.d holds no file");
  remove("/opt/oci-cnb-hooks/current/oci-cnb-poststop");
  EXPECT_HAS(complaints(), "fail programs: /opt/oci-cnb-hooks/current/oci-cnb-poststop is missing");
  const std::string handler = "]\nruntime_path = '/usr/bin/none'\n";
  put("/etc/crio/crio.conf.d/60", "[crio.runtime.runtimes.theirs" + handler);
  put(node::kCrioConfig, "[crio.runtime.runtimes.ours" + handler);
  EXPECT_HAS(complaints(),
             "fail runtime-handler: handler \"ours\" names \"/usr/bin/none\", which is missing");
  EXPECT_EQ(complaints().find("theirs"), std::string::npos) << "what others name is theirs";
}

TEST_F(Crio, NeedsThePlugin) {
  plugin_ = {false, std::nullopt};
  EXPECT_EQ(complaints(), "fail nri: oci-cnb-nri doesn't run\n");
  plugin_ = {true, true};
  remove(kSocket);
  EXPECT_EQ(complaints(), "fail nri: there is no NRI socket /var/run/nri/nri.sock\n");
  put("/etc/crio/crio.conf.d/60", "[crio.nri]\nnri_listen = '/x'\n");
  EXPECT_EQ(complaints(), "fail nri: there is no NRI socket /x\n");
  put("/etc/crio/crio.conf.d/60", "[crio.nri]\nenable_nri = false\n");
  EXPECT_EQ(complaints(), "fail nri: NRI is off in CRI-O's configuration\n");
}

TEST_F(Crio, HasNriOnSince130) {
  put("/usr/bin/crio", "engine", 0755);
  version_ = "1.29.13";
  EXPECT_HAS(complaints(), "fail nri: NRI is off in CRI-O's configuration\n");
  put("/etc/crio/crio.conf.d/40-nri.conf", "[crio.nri]\nenable_nri = true\n");
  EXPECT_EQ(complaints().find("fail nri"), std::string::npos) << complaints();
  remove("/etc/crio/crio.conf.d/40-nri.conf");
  version_ = "1.30.0";
  EXPECT_EQ(complaints().find("fail nri"), std::string::npos) << complaints();
}

TEST_F(Crio, AnEnabledPluginBesideAnotherContainerdIsCrios) {
  put("/etc/systemd/system/multi-user.target.wants/oci-cnb-nri.service", "");
  put(kConfig, "version = 2\n");
  EXPECT_EQ("", complaints());
}

TEST_F(Pods, DockersRuntimeMustBeThere) {
  const std::string file = "/etc/docker/daemon.json";
  put(file, R"({"runtimes": {"cnb": {"path": "/usr/bin/oci-cnb-runtime"}, "o": {"path": "o"}}})");
  EXPECT_HAS(complaints(), "fail programs: /usr/bin/oci-cnb-runtime is missing");
  put("/usr/bin/oci-cnb-runtime", "program", 0755);
  EXPECT_EQ("", complaints());
  for (const char* text : {"{", "[]", "{\"runtimes\": {\"x\": 1}}"}) {
    put(file, text);
    EXPECT_HAS(complaints(), "fail docker: /etc/docker/daemon.json") << text;
  }
}

}  // namespace
}  // namespace hookcore::doctor
