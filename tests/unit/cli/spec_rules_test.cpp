// Every rule of `spec validate`: a document that breaks it, and it alone.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "hooks/cli/spec_commands.h"
#include "libhookcore/environment/rules.h"

namespace hookcore::cli {
namespace {

using nlohmann::json;

/// A document that breaks nothing: role build, in a user namespace of its own.
json good_document() {
  return json::parse(R"({
    "ociVersion": "1.0.2",
    "process": {
      "user": {"uid": 0, "gid": 0},
      "args": ["/cnb/lifecycle/creator"],
      "cwd": "/workspace",
      "env": ["PATH=/bin", "CNB_PLATFORM_API=0.12", "CNB_EXPERIMENTAL_MODE=warn",
              "CNB_APP_DIR=/workspace", "CNB_LAYERS_DIR=/layers", "CNB_PLATFORM_DIR=/platform"]
    },
    "root": {"path": "rootfs"},
    "mounts": [
      {"destination": "/proc", "type": "proc", "source": "proc"},
      {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
      {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["gid=5"]},
      {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["mode=1777"]},
      {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
      {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]},
      {"destination": "/layers", "type": "bind", "source": "/l", "options": ["rbind", "rw"]},
      {"destination": "/workspace", "type": "bind", "source": "/src", "options": ["rbind"]}
    ],
    "annotations": {"io.cnb.hooks.role": "build"},
    "hooks": {"createRuntime": [{"path": "/opt/oci-cnb-createruntime", "env": ["A=b"]}]},
    "linux": {
      "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1},
                      {"containerID": 1, "hostID": 100000, "size": 65536}],
      "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 1},
                      {"containerID": 1, "hostID": 100000, "size": 65536}],
      "namespaces": [{"type": "user"}, {"type": "network"}, {"type": "mount"}],
      "maskedPaths": ["/proc/kcore", "/sys/firmware"],
      "readonlyPaths": ["/proc/sys"]
    }
  })");
}

struct Case {
  std::string name;
  std::string rule;
  std::string severity;
  std::string patch;  ///< JSON Patch (RFC 6902) of the good document
  std::string actual;
};

std::string append(const std::string& mount) {
  return R"([{"op":"add","path":"/mounts/-","value":)" + mount + "}]";
}
std::string append_env(const std::string& entry) {
  return R"([{"op":"add","path":"/process/env/-","value":")" + entry + "\"}]";
}
std::string replace(const std::string& path, const std::string& value) {
  return R"([{"op":"replace","path":")" + path + R"(","value":)" + value + "}]";
}
std::string remove(const std::string& path) {
  return R"([{"op":"remove","path":")" + path + "\"}]";
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"AnnotationUnknown", "annotation", "error",
       R"([{"op":"add","path":"/annotations/io.cnb.hooks.rol","value":"dev"}])",
       "unknown annotation \"io.cnb.hooks.rol\""},
      {"AnnotationBadValue", "annotation", "error",
       replace("/annotations/io.cnb.hooks.role", "\"x\""),
       "bad value \"x\" of annotation \"io.cnb.hooks.role\""},
      {"NoProcess", "process", "error", remove("/process"), "there is no process"},
      {"Cwd", "cwd", "error", replace("/process/cwd", "\"/\""), "cwd is \"/\""},
      {"EnvMissing", "env-missing", "error", remove("/process/env/4"), "CNB_LAYERS_DIR isn't set"},
      {"EnvTwiceReserved", "env-duplicate", "error", append_env("CNB_PLATFORM_API=0.9"),
       "\"CNB_PLATFORM_API\" stands more than once in the environment"},
      {"EnvTwice", "env-duplicate", "warning", append_env("PATH=/x"),
       "\"PATH\" stands more than once in the environment"},
      {"EnvPlatformApi", "env-platform-api", "error",
       replace("/process/env/1", "\"CNB_PLATFORM_API=v1\""), "CNB_PLATFORM_API is \"v1\""},
      {"EnvExperimentalMode", "env-experimental-mode", "error",
       replace("/process/env/2", "\"CNB_EXPERIMENTAL_MODE=loud\""),
       "CNB_EXPERIMENTAL_MODE is \"loud\""},
      {"EnvExperimentalModeSilent", "env-experimental-mode", "warning",
       replace("/process/env/2", "\"CNB_EXPERIMENTAL_MODE=silent\""),
       "CNB_EXPERIMENTAL_MODE is \"silent\""},
      {"EnvAppDir", "env-app-dir", "warning", replace("/process/env/3", "\"CNB_APP_DIR=/app\""),
       "CNB_APP_DIR is \"/app\""},
      {"EnvRegistryAuth", "env-registry-auth", "error",
       R"([{"op":"replace","path":"/process/args/0","value":"/cnb/lifecycle/builder"},
           {"op":"add","path":"/annotations/io.cnb.hooks.session","value":"s"},
           {"op":"add","path":"/process/env/-","value":"CNB_REGISTRY_AUTH={}"}])",
       "CNB_REGISTRY_AUTH is set"},
      {"BuildSession", "build-session", "error",
       replace("/process/args/0", "\"/cnb/lifecycle/builder\""),
       "the lifecycle's builder has a workspace of its own, which the next phase doesn't see"},
      {"MaskedWorkspace", "masked-path", "error", replace("/linux/maskedPaths/0", "\"/workspace\""),
       "\"/workspace\" is masked by \"/workspace\""},
      {"ReadonlyPlatform", "masked-path", "warning",
       replace("/linux/readonlyPaths/0", "\"/platform/\""),
       "\"/platform\" is made read-only by \"/platform/\""},
      {"MaskedShm", "masked-path", "error", replace("/linux/maskedPaths/0", "\"/dev/shm\""),
       "\"/dev/shm\" is masked by \"/dev/shm\""},
      {"ReadonlyTmp", "masked-path", "warning", replace("/linux/readonlyPaths/0", "\"/tmp\""),
       "\"/tmp\" is made read-only by \"/tmp\""},
      {"NoWorkspace", "workspace-mount", "error", remove("/mounts/7"),
       "nothing is mounted at \"/workspace\""},
      {"LayersReadonly", "layers-readonly", "warning", replace("/mounts/6/options", "[\"ro\"]"),
       "\"/layers\" is read-only"},
      {"NoHook", "hooks", "warning", remove("/hooks"), "the document names no mount hook"},
      {"NoProc", "mount-proc", "error", remove("/mounts/0"), "nothing is mounted at \"/proc\""},
      {"ReadonlyProc", "mount-proc", "warning",
       R"([{"op":"add","path":"/mounts/0/options","value":["ro"]}])", "\"/proc\" is read-only"},
      {"SysFromElsewhere", "mount-sys", "error",
       replace("/mounts/4", R"({"destination":"/sys","type":"bind","source":"/etc"})"),
       "a bind of \"/etc\" at \"/sys\""},
      {"DevOfAnotherType", "mount-dev", "error", replace("/mounts/1/type", "\"proc\""),
       "a mount of type \"proc\" at \"/dev\""},
      {"NoPts", "mount-dev-pts", "error", remove("/mounts/2"),
       "nothing is mounted at \"/dev/pts\""},
      {"ReadonlyShm", "mount-dev-shm", "error", replace("/mounts/3/options", "[\"ro\"]"),
       "\"/dev/shm\" is read-only"},
      {"TmpMode", "mount-tmp", "error", replace("/mounts/5/options", "[\"mode=0755\"]"),
       "\"/tmp\" has mode \"0755\""},
      {"TmpNoexec", "mount-tmp", "warning", replace("/mounts/5/options", "[\"noexec\"]"),
       "\"/tmp\" is noexec"},
      {"TmpReadonly", "mount-tmp", "error", replace("/mounts/5/options", "[\"rw\",\"ro\"]"),
       "\"/tmp\" is read-only"},
      {"HiddenByRoot", "mount-order", "error",
       append(R"({"destination":"/","type":"tmpfs","source":"x"})"),
       "\"/proc\" is hidden by the later mount at \"/\""},
      {"VolumeHidden", "mount-order", "warning",
       R"([{"op":"add","path":"/mounts/0","value":
            {"destination":"/workspace/.cache","type":"bind","source":"/c"}}])",
       "\"/workspace/.cache\" is hidden by the later mount at \"/workspace\""},
      {"LayersTwice", "mount-twice", "warning",
       append(R"({"destination":"/layers/.","type":"bind","source":"/m"})"),
       "a later mount at \"/layers\" hides the one of \"/l\""},
      {"PtsGid", "mount-dev-pts-gid", "error", replace("/mounts/2/options/0", "\"gid=70000\""),
       "\"/dev/pts\" has the option gid=70000, which isn't mapped"},
      {"SysWithoutNetwork", "mount-sys-network", "warning", remove("/linux/namespaces/1"),
       "sysfs in a user namespace without a network namespace of its own"},
      {"Uid", "ids", "error", replace("/process/user/uid", "70000"),
       "the process's uid 70000 isn't mapped"},
      {"CnbUserId", "ids", "error", append_env("CNB_USER_ID=70000"),
       "CNB_USER_ID 70000 isn't mapped"},
      {"MappingsOverlap", "id-mappings", "error", replace("/linux/uidMappings/1/hostID", "900"),
       "linux.uidMappings has mappings that are empty or overlap"},
      {"MappingsMissing", "id-mappings", "warning", remove("/linux/gidMappings"),
       "a new user namespace without linux.gidMappings"},
      {"MappingsWithoutNamespace", "id-mappings", "warning", remove("/linux/namespaces/0"),
       "linux.uidMappings without a user namespace"},
  };
  return kCases;
}

struct Verdict {
  int exit_code = 0;
  json report;
};

Verdict validate(const json& document) {
  std::string pattern = std::filesystem::temp_directory_path() / "rules-XXXXXX";
  const std::string path = ::mkdtemp(pattern.data());
  std::ofstream(path + "/config.json") << document;
  CommandLine line("oci-cnb", "");
  Verdict verdict;
  add_spec_commands(line.program(), {}, verdict.exit_code);
  testing::internal::CaptureStdout();
  line.parse({"spec", "validate", "--json", path});
  verdict.report = json::parse(testing::internal::GetCapturedStdout());
  std::filesystem::remove_all(path);
  return verdict;
}

TEST(SpecRules, NothingIsWrongWithTheGoodDocument) {
  const Verdict verdict = validate(good_document());
  EXPECT_EQ(0, verdict.exit_code);
  EXPECT_EQ(json::array(), verdict.report["findings"]);
}

TEST(SpecRules, SandboxesOfPodsBreakNone) {
  const json document = {{"annotations", {{"io.kubernetes.cri.container-type", "sandbox"}}}};
  const Verdict verdict = validate(document);
  EXPECT_EQ(0, verdict.exit_code);
  EXPECT_EQ(json::array(), verdict.report["findings"]);
}

class BrokenDocument : public testing::TestWithParam<Case> {};

TEST_P(BrokenDocument, IsFoundByItsRuleAlone) {
  const Case& one = GetParam();
  const Verdict verdict = validate(good_document().patch(json::parse(one.patch)));
  const json& findings = verdict.report["findings"];
  ASSERT_FALSE(findings.empty());
  for (const json& finding : findings) {
    EXPECT_EQ(one.rule, finding["id"]) << finding;
    for (const char* key : {"specification", "actual", "expected", "fix"}) {
      EXPECT_NE("", finding[key]) << key;
    }
  }
  EXPECT_EQ(one.severity, findings[0]["severity"]);
  EXPECT_EQ(one.actual, findings[0]["actual"]);
  EXPECT_EQ(one.severity == "error" ? 1 : 0, verdict.exit_code);
}

INSTANTIATE_TEST_SUITE_P(SpecRules, BrokenDocument, testing::ValuesIn(cases()),
                         [](const auto& one) { return one.param.name; });

TEST(SpecRules, EachHasADocumentThatBreaksIt) {
  std::set<std::string> broken;
  for (const Case& one : cases()) broken.insert(one.rule);
  std::set<std::string> known;
  for (const environment::Rule& rule : environment::kRules) known.insert(std::string(rule.id));
  EXPECT_EQ(known, broken);
  EXPECT_EQ(environment::kRules.size(), known.size()) << "an id stands twice";
}

}  // namespace
}  // namespace hookcore::cli
