#include "libhookcore/environment/verify.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "libhookcore/environment/plan.h"
#include "tests/unit/support/samples.h"

namespace hookcore::environment {
namespace {

using Strings = std::vector<std::string>;

const std::string kDefaults = R"(
  {"destination":"/proc","type":"proc","source":"proc"},
  {"destination":"/sys","type":"sysfs","source":"sysfs","options":["ro"]},
  {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["mode=755"]},
  {"destination":"/dev/pts","type":"devpts","source":"devpts"},
  {"destination":"/dev/shm","type":"tmpfs","source":"shm"})";

/// A document with the default mounts, then these; rest are further members.
oci::ConfigView config(const std::string& mounts, const std::string& rest = "") {
  return oci::parse_config(R"({"process":{"cwd":"/workspace","args":["x"]},"mounts":[)" +
                           kDefaults + (mounts.empty() ? "" : "," + mounts) + "]" +
                           (rest.empty() ? "" : "," + rest) + "}");
}

Strings lines(const Findings& findings) {
  Strings lines;
  for (const Finding& finding : findings) {
    lines.push_back(std::string(name(finding.severity)) + " " + finding.line());
  }
  return lines;
}

/// The one finding about these further mounts, as "severity id: actual".
std::string finding(const std::string& mounts, const std::string& rest = "") {
  const Findings findings = verify_mounts(config(mounts, rest));
  if (findings.size() != 1) return std::to_string(findings.size()) + " findings";
  return std::string(name(findings[0].severity)) + " " + std::string(findings[0].id) + ": " +
         findings[0].actual;
}

const std::string kNone = "0 findings";

TEST(VerifyMounts, FindsNothingWrongWithWhatEnginesProduce) {
  for (const std::string& name : samples::names()) {
    const Findings findings = verify_mounts(oci::parse_config(samples::read(name)));
    // The two `spec` templates come with a read-only root and leave /tmp to the user.
    const bool is_template = name.find("spec") != name.npos;
    EXPECT_EQ(is_template
                  ? Strings{"warning mount-tmp: the root is read-only and nothing is mounted "
                            "at \"/tmp\", expected a writable \"/tmp\"; mount a tmpfs there, "
                            "with nosuid,nodev,mode=1777"}
                  : Strings(),
              lines(findings))
        << name;
  }
}

TEST(VerifyMounts, ReportsWhatIsMissing) {
  const Findings findings = verify_mounts(oci::parse_config(R"({"process":{}})"));
  ASSERT_EQ(5U, findings.size());
  EXPECT_TRUE(has_errors(findings));
  EXPECT_EQ(
      "mount-proc: nothing is mounted at \"/proc\", expected proc; let the engine make its default "
      "mount at /proc",
      findings[0].line());
}

TEST(VerifyMounts, TakesSynonyms) {
  const auto mount = [](const std::string& at, const std::string& type, const std::string& source,
                        const std::string& options) {
    return R"({"destination":")" + at + R"(","type":")" + type + R"(","source":")" + source +
           R"(","options":[)" + options + "]}";
  };
  EXPECT_EQ(kNone, finding(mount("/sys", "none", "/sys", R"("rbind","ro")")));
  EXPECT_EQ(kNone, finding(mount("/sys/", "", "/sys", R"("ro","bind")")));
  EXPECT_EQ(kNone, finding(mount("/proc", "bind", "/proc", R"("rw")")));
  EXPECT_EQ(kNone, finding(mount("/dev/shm", "bind", "/var/lib/x/shm", "")));
  EXPECT_EQ(kNone, finding(mount("/dev/shm", "tmpfs", "shm", R"("ro","rw","mode=01777")")));
  EXPECT_EQ(kNone, finding(mount("/tmp", "tmpfs", "tmpfs", R"("mode=01777")")));
  EXPECT_EQ(kNone, finding(mount("/tmp", "tmpfs", "tmpfs", "")));
  EXPECT_EQ(kNone, finding(mount("/tmp", "bind", "/var/tmp/x", "")));
  EXPECT_EQ("error mount-sys: a bind of \"/etc\" at \"/sys\"",
            finding(mount("/sys", "bind", "/etc", "")));
  EXPECT_EQ("error mount-proc: a mount of type \"tmpfs\" at \"/proc\"",
            finding(mount("/proc", "tmpfs", "tmpfs", "")));
  EXPECT_EQ("error mount-proc: a bind of \"/proc/../etc\" at \"/proc\"",
            finding(mount("/proc", "bind", "/proc/../etc", "")));
  EXPECT_EQ("error mount-dev-shm: \"/dev/shm\" is read-only",
            finding(mount("/dev/shm", "tmpfs", "shm", R"("ro")")));
  EXPECT_EQ("warning mount-proc: \"/proc\" is read-only",
            finding(mount("/proc", "proc", "proc", R"("ro")")));
}

TEST(VerifyMounts, ABindOfDevBringsItsMounts) {
  const auto view = oci::parse_config(R"({"mounts":[
      {"destination":"/proc","type":"proc"},{"destination":"/sys","type":"sysfs"},
      {"destination":"/dev","type":"bind","source":"/dev","options":["rbind"]}]})");
  EXPECT_EQ(Strings(), lines(verify_mounts(view)));
}

TEST(VerifyMounts, OrderMatters) {
  const Findings findings = verify_mounts(config(R"({"destination":"/dev","type":"tmpfs"})"));
  ASSERT_EQ(2U, findings.size());
  EXPECT_EQ(
      "mount-order: \"/dev/pts\" is hidden by the later mount at \"/dev\", "
      "expected directories before what lies in them; put the mount at /dev first",
      findings[0].line());
  EXPECT_EQ(kNone, finding(R"({"destination":"/development","type":"tmpfs"})"));
}

TEST(VerifyMounts, LooksAtTmp) {
  const std::string tmp = R"({"destination":"/tmp","type":"tmpfs","options":[)";
  EXPECT_EQ("error mount-tmp: \"/tmp\" is read-only", finding(tmp + "\"ro\"]}"));
  EXPECT_EQ("error mount-tmp: \"/tmp\" has mode \"0755\"", finding(tmp + "\"mode=0755\"]}"));
  EXPECT_EQ("error mount-tmp: \"/tmp\" has mode \"abc\"",
            finding(tmp + R"("mode=1777","mode=abc"]})"));
  EXPECT_EQ("warning mount-tmp: \"/tmp\" is noexec", finding(tmp + "\"noexec\"]}"));
  EXPECT_EQ("error mount-tmp: \"/tmp\" is read-only",
            finding(R"({"destination":"/tmp","type":"bind","source":"/x","options":["ro"]})"));
}

TEST(VerifyMounts, LooksAtUserNamespaces) {
  const std::string one_id = R"("uidMappings":[{"containerID":0,"hostID":1000,"size":1}],)"
                             R"("gidMappings":[{"containerID":0,"hostID":1000,"size":1}])";
  EXPECT_EQ("error mount-dev-pts-gid: \"/dev/pts\" has the option gid=5, which isn't mapped",
            finding(R"({"destination":"/dev/pts","type":"devpts","options":["gid=5"]})",
                    "\"linux\":{" + one_id + "}"));
  EXPECT_EQ(kNone, finding(R"({"destination":"/dev/pts","type":"devpts","options":["gid=5"]})"));
  EXPECT_EQ(
      "warning mount-sys-network: sysfs in a user namespace without a network namespace of its "
      "own",
      finding("", R"("linux":{"namespaces":[{"type":"user"}]})"));
  EXPECT_EQ(kNone, finding("", R"("linux":{"namespaces":[{"type":"user"},{"type":"network"}]})"));
}

TEST(VerifyMounts, LooksAtIds) {
  const auto ids = [](const std::string& process) {
    const auto view =
        oci::parse_config(R"({"process":)" + process + R"(,"mounts":[)" + kDefaults +
                          R"(],"linux":{"uidMappings":[{"containerID":0,"hostID":1000,"size":10}],)"
                          R"("gidMappings":[{"containerID":0,"hostID":1000,"size":10}]}})");
    Strings actual;
    for (const Finding& finding : verify_mounts(view)) {
      EXPECT_EQ("ids", finding.id);
      actual.push_back(finding.actual);
    }
    return actual;
  };
  EXPECT_EQ(Strings(), ids(R"({"user":{"uid":9,"gid":9,"additionalGids":[1]}})"));
  EXPECT_EQ(
      (Strings{"the process's uid 10 isn't mapped", "the process's gid 11 isn't mapped",
               "the process's additional gid 12 isn't mapped", "CNB_USER_ID 13 isn't mapped"}),
      ids(R"({"user":{"uid":10,"gid":11,"additionalGids":[1,12]},)"
          R"("env":["CNB_USER_ID=13","CNB_GROUP_ID=x"]})"));
}

TEST(Verify, TellsHowToMendAMissingDoor) {
  const auto view = oci::parse_config(R"({"process":{"cwd":"/","args":["x"],
      "env":["CNB_PLATFORM_API=0.9"]},"annotations":{"io.container.manager":"libpod"}})");
  optin::Request request;
  request.role = optin::Role::kLaunch;
  EXPECT_EQ(
      Strings{"error cwd: cwd is \"/\", expected \"/workspace\"; add --workdir /workspace, or "
              "let podman read the precreate hook: `oci-cnb doctor` tells how"},
      lines(verify_process(view, request, {})));
  const auto bundle = oci::parse_config(R"({"process":{"cwd":"/workspace"}})");
  EXPECT_EQ(
      Strings{"error env-missing: CNB_PLATFORM_API isn't set, expected CNB_PLATFORM_API=0.12; "
              "run `oci-cnb spec apply` on the bundle, or add --env CNB_PLATFORM_API=0.12"},
      lines(verify_process(bundle, request, {})));
  for (const char* key :
       {"io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"}) {
    const auto pod = oci::parse_config(R"({"process":{"cwd":"/"},"annotations":{")" +
                                       std::string(key) + R"(":"container"}})");
    EXPECT_EQ((Strings{"error cwd: cwd is \"/\", expected \"/workspace\"; give the pod's container "
                       "workingDir: /workspace",
                       "error env-missing: CNB_PLATFORM_API isn't set, expected "
                       "CNB_PLATFORM_API=0.12; give the pod's container env: [{name: "
                       "CNB_PLATFORM_API, value: \"0.12\"}]"}),
              lines(verify_process(pod, request, {})));
  }
  EXPECT_EQ(
      "process: there is no process, expected one with a cwd and an environment; add a "
      "\"process\" to the document",
      verify_process({}, request, {})[0].line());
}

TEST(Verify, TellsAPodsAuthorTheFieldsOfAPod) {
  optin::Request request;
  request.role = optin::Role::kDev;
  const auto fixes = [&](const std::string& annotations) {
    const auto view = oci::parse_config(
        R"({"process":{"cwd":"/workspace","env":["CNB_PLATFORM_API=x"]},"annotations":{)" +
        annotations + "}}");
    return Strings{verify_variables(view, request)[0].fix, verify_bundle(view, request)[0].fix};
  };
  const Strings of_a_pod{
      "give the pod's container env: [{name: CNB_PLATFORM_API, value: \"0.12\"}], or leave it to "
      "the default",
      "give the pod's container a volumeMount with mountPath: /workspace"};
  EXPECT_EQ(of_a_pod, fixes(R"("io.kubernetes.cri.sandbox-id":"1")"));
  EXPECT_EQ(of_a_pod, fixes(R"("io.kubernetes.pod.uid":"1")"));  // what the NRI plugin knows
  const Strings of_a_command{
      "set it with --env CNB_PLATFORM_API=0.12, or leave it to the default",
      "mount the source there: -v \"$PWD:/workspace\", or a bind in the bundle's mounts"};
  EXPECT_EQ(of_a_command, fixes(""));
  EXPECT_EQ(of_a_command,
            fixes(R"("io.container.manager":"libpod","io.kubernetes.cri-o.SandboxID":"1")"));
}

TEST(Verify, AcceptsWhatTheDoorMade) {
  for (const std::string& name : samples::names()) {
    for (const optin::Role role :
         {optin::Role::kDev, optin::Role::kBuild, optin::Role::kDetect, optin::Role::kLaunch}) {
      optin::Request request;
      request.role = role;
      oci::ConfigEditor editor(samples::read(name));
      EXPECT_TRUE(has_errors(verify(editor.view(), request, {}))) << name;
      apply_plan(editor, plan_environment(editor.view(), request, {}));
      const Findings findings = verify(oci::parse_config(editor.text()), request, {});
      EXPECT_FALSE(has_errors(findings)) << name << lines(findings)[0];
    }
  }
}

TEST(Verify, RefusesAPhaseWithoutASession) {
  optin::Request request;
  request.role = optin::Role::kBuild;
  const auto view = oci::parse_config(R"({"process":{"args":["/cnb/lifecycle/exporter"]}})");
  const auto is_it = [](const Finding& finding) { return finding.id == "build-session"; };
  const Findings findings = verify(view, request, {});
  const auto found = std::find_if(findings.begin(), findings.end(), is_it);
  ASSERT_NE(findings.end(), found);
  EXPECT_EQ(Code::kSession, found->code);
  request.session = "x";
  const Findings named = verify(view, request, {});
  EXPECT_TRUE(std::none_of(named.begin(), named.end(), is_it));
}

TEST(Verify, LooksAtMaskedPaths) {
  const auto view = config("", R"("linux":{"maskedPaths":["/proc/kcore","/workspace"],)"
                               R"("readonlyPaths":["/proc/sys","/layers/"]})");
  EXPECT_EQ(
      (Strings{"error masked-path: \"/workspace\" is masked by \"/workspace\", expected the "
               "directories of the environment as they were mounted; take the path out of "
               "linux.maskedPaths and linux.readonlyPaths",
               "warning masked-path: \"/layers\" is made read-only by \"/layers/\", expected "
               "the directories of the environment as they were mounted; take the path out of "
               "linux.maskedPaths and linux.readonlyPaths"}),
      lines(verify_masked_paths(view, {})));
}

}  // namespace
}  // namespace hookcore::environment
