#include "libhookcore/environment/plan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/support/expect_error.h"
#include "tests/unit/support/samples.h"

namespace hookcore::environment {
namespace {

using optin::Request;
using optin::Role;
using Strings = std::vector<std::string>;

oci::ConfigView config(Strings env, std::string cwd = "/", Strings args = {"/bin/true"}) {
  oci::ConfigView view;
  view.has_process = true;
  view.cwd = std::move(cwd);
  view.env = std::move(env);
  view.args = std::move(args);
  return view;
}

Request request(Role role) {
  Request request;
  request.role = role;
  return request;
}

EnvironmentPlan plan(const oci::ConfigView& view, const Request& wanted) {
  return plan_environment(view, wanted, {});
}

void refuse(const oci::ConfigView& view, const Request& wanted, const std::string& line,
            Code code = Code::kEnvironment) {
  expect_error(code, line, [&] { plan(view, wanted); });
  Request lenient = wanted;
  lenient.enforce = optin::Enforce::kWarn;
  EXPECT_EQ(1U, plan(view, lenient).warnings.size()) << line;
}

void refuse(const oci::ConfigView& view, Role role, const std::string& line) {
  refuse(view, request(role), line);
}

const Strings kDirectories = {"CNB_APP_DIR=/workspace", "CNB_LAYERS_DIR=/layers",
                              "CNB_PLATFORM_DIR=/platform"};

Strings with_directories(Strings first) {
  first.insert(first.end(), kDirectories.begin(), kDirectories.end());
  return first;
}

TEST(Plan, GivesEachRoleItsEnvironment) {
  const auto env = [](Role role) { return plan(config({"PATH=/bin"}), request(role)).env; };
  EXPECT_EQ(with_directories({"CNB_PLATFORM_API=0.12"}), env(Role::kDev));
  const Strings build = with_directories({"CNB_PLATFORM_API=0.12", "CNB_EXPERIMENTAL_MODE=warn"});
  EXPECT_EQ(build, env(Role::kBuild));
  EXPECT_EQ(build, env(Role::kDetect));
  EXPECT_EQ(Strings{"CNB_PLATFORM_API=0.12"}, env(Role::kLaunch));
}

TEST(Plan, TakesAnnotationsOverSettingsOverDefaults) {
  settings::Settings settings;
  settings.platform_api = "0.7";
  settings.experimental_mode = "error";
  Request wanted = request(Role::kBuild);
  EXPECT_EQ(with_directories({"CNB_PLATFORM_API=0.7", "CNB_EXPERIMENTAL_MODE=error"}),
            plan_environment(config({}), wanted, settings).env);
  wanted.platform_api = "0.9";
  wanted.experimental_mode = "quiet";
  wanted.workspace_path = "/app";
  const EnvironmentPlan result = plan_environment(config({}), wanted, settings);
  EXPECT_EQ((Strings{"CNB_PLATFORM_API=0.9", "CNB_EXPERIMENTAL_MODE=quiet", "CNB_APP_DIR=/app",
                     "CNB_LAYERS_DIR=/layers", "CNB_PLATFORM_DIR=/platform"}),
            result.env);
  EXPECT_EQ("/app", result.cwd);
}

TEST(Plan, KeepsWhatIsSet) {
  const EnvironmentPlan result =
      plan(config({"CNB_PLATFORM_API=0.7", "CNB_LAYERS_DIR=/l", "CNB_EXPERIMENTAL_MODE=quiet"},
                  "/workspace/"),
           request(Role::kBuild));
  EXPECT_EQ((Strings{"CNB_APP_DIR=/workspace", "CNB_PLATFORM_DIR=/platform"}), result.env);
  EXPECT_EQ(std::nullopt, result.cwd);
  EXPECT_TRUE(result.warnings.empty());
}

TEST(Plan, LeavesTheCwdWhereAsked) {
  Request wanted = request(Role::kDev);
  wanted.keep_cwd = true;
  EXPECT_EQ(std::nullopt, plan(config({}), wanted).cwd);
}

TEST(Plan, RefusesBadValues) {
  refuse(config({"CNB_PLATFORM_API=latest"}), Role::kLaunch,
         "environment: CNB_PLATFORM_API is \"latest\", expected a version N.M, such as 0.12; rule "
         "env-platform-api; set it with --env CNB_PLATFORM_API=0.12, or leave it to the default");
  refuse(config({"CNB_PLATFORM_API="}), Role::kDev,
         "environment: CNB_PLATFORM_API is \"\", expected a version N.M, such as 0.12; rule "
         "env-platform-api; set it with --env CNB_PLATFORM_API=0.12, or leave it to the default");
  refuse(
      config({"CNB_EXPERIMENTAL_MODE=a\nb"}), Role::kDev,
      "environment: CNB_EXPERIMENTAL_MODE is \"a\\nb\", expected one of error, warn, quiet, "
      "silent; rule env-experimental-mode; set it with --env CNB_EXPERIMENTAL_MODE=warn, or leave "
      "it to the default");
  refuse(
      config({"CNB_FOO=1", "CNB_FOO=1", "CNB_FOO=2"}), Role::kDev,
      "environment: \"CNB_FOO\" stands more than once in the environment, expected every variable "
      "once; rule env-duplicate; remove all but one of its settings");
}

TEST(Plan, RefusesRegistryCredentialsBeforeBuildpacks) {
  const std::string line =
      "environment: CNB_REGISTRY_AUTH is set, expected it in the creator's and exporter's "
      "environment only; rule env-registry-auth; remove it from the container that runs buildpacks";
  const Strings env = {"CNB_REGISTRY_AUTH=s3cret"};
  refuse(config(env), Role::kDetect, line);
  Request build = request(Role::kBuild);
  build.session = "x";
  refuse(config(env, "/", {"/cnb/lifecycle/builder", "-app", "."}), build, line);
  refuse(config(env, "/", {"/cnb/lifecycle/lifecycle", "build"}), build, line);
  for (const char* program : {"/cnb/lifecycle/creator", "exporter", "/bin/rebuilder"}) {
    EXPECT_TRUE(plan(config(env, "/", {program}), build).warnings.empty());
  }
  EXPECT_NO_THROW(plan(config(env, "/", {}), build));
  EXPECT_NO_THROW(plan(config(env), request(Role::kDev)));
}

std::string not_shared(const std::string& phase) {
  return "session: the lifecycle's " + phase +
         " has a workspace of its own, which the next phase doesn't see, expected one session for "
         "all containers of a build; rule build-session; give each of them --annotation "
         "io.cnb.hooks.session=NAME, or run the creator, which is a whole build";
}

TEST(Plan, RefusesAPhaseThatNoOtherWouldMeet) {
  const auto refused = [](const Strings& args, const std::string& phase) {
    for (const Role role : {Role::kBuild, Role::kDetect}) {
      refuse(config({}, "/", args), request(role), not_shared(phase), Code::kSession);
    }
  };
  for (const char* phase :
       {"analyzer", "detector", "restorer", "extender", "builder", "exporter"}) {
    refused({"/cnb/lifecycle/" + std::string(phase), "-app", "/workspace"}, phase);
    refused({phase}, phase);
    refused({"/run/podman-init", "--", phase}, phase);
  }
  refused({"/cnb/lifecycle/lifecycle", "detect"}, "detector");
  refused({"lifecycle", "export", "image"}, "exporter");
  const auto fine = [](const Strings& args, const Request& wanted) {
    EXPECT_TRUE(plan(config({}, "/", args), wanted).warnings.empty());
  };
  for (const Strings& args : std::vector<Strings>{{"/cnb/lifecycle/creator"},
                                                  {"lifecycle", "create"},
                                                  {"lifecycle"},
                                                  {"rebaser"},
                                                  {"/bin/rebuilder"},
                                                  {"builder/"},
                                                  {"sh", "builder"},
                                                  {"x", "--"},
                                                  {"export"},
                                                  {}}) {
    fine(args, request(Role::kBuild));
  }
  fine({"builder"}, request(Role::kDev));
  fine({"exporter"}, request(Role::kLaunch));
}

TEST(Plan, LetsAPhaseRunWhoseWorkTheNextOneMeets) {
  Request wanted = request(Role::kBuild);
  auto view = config({}, "/", {"builder"});
  const auto allowed = [&] { return plan(view, wanted).warnings.empty(); };
  wanted.enforce = optin::Enforce::kWarn;
  EXPECT_FALSE(allowed());

  wanted.session = "x";
  EXPECT_TRUE(allowed());
  wanted.session.reset();

  view.annotations["io.kubernetes.cri.sandbox-uid"] = "6f-1";
  EXPECT_TRUE(allowed());
  view.annotations = {{"io.kubernetes.cri.sandbox-id", "an engine that doesn't tell the uid"}};
  EXPECT_FALSE(allowed());

  wanted.workspace = optin::WorkspaceMode::kLive;
  EXPECT_FALSE(allowed()) << "/layers is scratch";
  view.mounts.push_back({"/layers/", "/layers", "bind", "/x", {"rbind"}});
  EXPECT_TRUE(allowed());
  wanted.workspace = optin::WorkspaceMode::kOverlay;
  EXPECT_FALSE(allowed()) << "the upper is scratch";
}

TEST(Plan, WarnsOfWhatIsLikelyAMistake) {
  const auto warnings = [](Strings env, const Request& wanted) {
    return plan(config(std::move(env)), wanted).warnings;
  };
  EXPECT_EQ(Strings{"env-experimental-mode: CNB_EXPERIMENTAL_MODE is \"silent\", expected quiet: "
                    "lifecycles don't know the specification's \"silent\"; set it with --env "
                    "CNB_EXPERIMENTAL_MODE=quiet, or leave it to the default"},
            warnings({"CNB_EXPERIMENTAL_MODE=silent"}, request(Role::kBuild)));
  EXPECT_EQ(1U, warnings({"PATH=1", "PATH=2"}, request(Role::kDev)).size());
  EXPECT_EQ(1U, warnings({"CNB_APP_DIR=/app"}, request(Role::kDev)).size());
  Request wanted = request(Role::kDev);
  wanted.platform_api = "0.13";
  wanted.experimental_mode = "warn";
  EXPECT_EQ(2U, warnings({"CNB_PLATFORM_API=0.9"}, wanted).size());
}

TEST(Plan, NeedsAProcess) {
  expect_error(Code::kConfig,
               "config: there is no process to give an environment to; config.json; add a "
               "\"process\" to the document",
               [] { plan({}, request(Role::kDev)); });
}

TEST(ApplyPlan, RefusesControlBytes) {
  oci::ConfigEditor editor(R"({"process":{}})");
  EnvironmentPlan bad;
  bad.env = {"A=b\nC=d"};
  expect_error(Code::kEnvironment,
               "environment: a control byte in \"A=b\\nC=d\"; use a value without line breaks and "
               "control characters",
               [&] { apply_plan(editor, bad); });
}

// For every engine's document and every role: the document changes as planned and nowhere else, and
// a second pass finds nothing to do.
TEST(ApplyPlan, ChangesSamplesAsPlannedAndOnce) {
  for (const std::string& name : samples::names()) {
    for (const Role role : {Role::kDev, Role::kBuild, Role::kDetect, Role::kLaunch}) {
      SCOPED_TRACE(name + " " + std::string(optin::name(role)));
      const std::string before = samples::read(name);
      oci::ConfigEditor editor(before);
      const EnvironmentPlan wanted = plan(editor.view(), request(role));
      apply_plan(editor, wanted);
      const std::string after = editor.text();

      nlohmann::ordered_json expected = nlohmann::ordered_json::parse(before);
      expected["process"]["cwd"] = "/workspace";
      for (const std::string& entry : wanted.env) expected["process"]["env"].push_back(entry);
      EXPECT_EQ(expected.dump(), nlohmann::ordered_json::parse(after).dump());
      EXPECT_TRUE(plan(oci::parse_config(after), request(role)).empty());
    }
  }
}

/// What exec's document gets, as "cwd ENV...".
std::string of_exec(const oci::ConfigView& container, const oci::ConfigView& process,
                    const Request& asked = request(Role::kDev)) {
  const EnvironmentPlan plan = plan_exec(container, process, asked);
  std::string shown = plan.cwd.value_or("-");
  for (const std::string& entry : plan.env) shown += " " + entry;
  return shown;
}

TEST(PlanExec, GivesWhatTheContainerHas) {
  const auto container = config({"A=b", "CNB_APP_DIR=/workspace", "CNB_PLATFORM_API=0.9"});
  EXPECT_EQ("/workspace CNB_PLATFORM_API=0.9 CNB_APP_DIR=/workspace",
            of_exec(container, config({"A=c"})));
  EXPECT_EQ("/workspace CNB_APP_DIR=/workspace",
            of_exec(container, config({"CNB_PLATFORM_API=0.3"})));
  EXPECT_EQ("/workspace CNB_PLATFORM_API=0.9",
            of_exec(container, config({}), request(Role::kLaunch)));
  EXPECT_EQ("-", of_exec(config({}), config({}, "/workspace/")));
}

TEST(PlanExec, KeepsAWorkingDirectoryThatWasChosen) {
  auto container = config({});
  EXPECT_EQ("-", of_exec(container, config({}, "/tmp")));
  container.annotations[std::string(kEngineCwd)] = "/srv";
  EXPECT_EQ("/workspace", of_exec(container, config({}, "/srv/")));
  EXPECT_EQ("-", of_exec(container, config({}, "/")));
  Request keep = request(Role::kDev);
  keep.keep_cwd = true;
  EXPECT_EQ("-", of_exec(container, config({}, "/srv"), keep));
}

}  // namespace
}  // namespace hookcore::environment
