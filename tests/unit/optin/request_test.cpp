#include "libhookcore/optin/request.h"

#include <gtest/gtest.h>

#include "tests/unit/support/expect_error.h"

namespace hookcore::optin {
namespace {

constexpr const char* kRoleOfOurs = "io.cnb.hooks.role";

void refuse(const Annotations& annotations, const std::string& line) {
  expect_error(Code::kAnnotation, line, [&] { parse_request(annotations); });
}

/// The value of one annotation beside a role, expected to be refused with this end of the line.
void refuse_value(const std::string& name, const std::string& value, const std::string& remedy,
                  const std::string& shown = {}) {
  refuse({{kRoleOfOurs, "dev"}, {"io.cnb.hooks." + name, value}},
         "annotation: bad value " + quote(shown.empty() ? value : shown) +
             "; annotation \"io.cnb.hooks." + name + "\"; " + remedy);
}

TEST(Request, IsAbsentWithoutARole) {
  EXPECT_FALSE(parse_request({}));
  EXPECT_FALSE(parse_request({{"io.cnb.hooksx", "1"}, {"io.cnb.hook.role", "dev"}, {"a", "b"}}));
  EXPECT_FALSE(parse_request({{"io.cnb.hooks.workspace", "nonsense"}}));
}

TEST(Request, IsAbsentForAPodsSandbox) {
  for (const char* key :
       {"io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"}) {
    EXPECT_FALSE(parse_request({{kRoleOfOurs, "dev"}, {key, "sandbox"}}));
    EXPECT_TRUE(parse_request({{kRoleOfOurs, "dev"}, {key, "container"}}));
  }
}

TEST(Request, OfTwoEnginesAtOnceIsRefused) {
  for (const char* containerd :
       {"io.kubernetes.cri.container-type", "io.kubernetes.cri.container-name",
        "io.kubernetes.cri.sandbox-id", "io.kubernetes.cri.sandbox-uid",
        "io.kubernetes.cri.sandbox-namespace"}) {
    Annotations annotations{{kRoleOfOurs, "dev"}, {containerd, "sandbox"}};
    EXPECT_NO_THROW(parse_request(annotations));
    for (const char* crio :
         {"io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID"}) {
      Annotations both = annotations;
      both[crio] = "container";
      refuse(both, "annotation: annotations of two engines, " + quote(containerd) + " and " +
                       quote(crio) + "; the pod sets one of them itself: remove it there");
      both.erase(kRoleOfOurs);
      EXPECT_FALSE(parse_request(both)) << "nobody asked us for anything";
    }
  }
}

TEST(Request, HasDefaultsByRole) {
  const auto mode = [](const char* role) {
    return parse_request({{kRoleOfOurs, role}})->workspace;
  };
  EXPECT_EQ(WorkspaceMode::kOverlay, mode("dev"));
  EXPECT_EQ(WorkspaceMode::kOverlay, mode("build"));
  EXPECT_EQ(WorkspaceMode::kReadonly, mode("detect"));
  EXPECT_EQ(WorkspaceMode::kLive, mode("launch"));

  const Request request = *parse_request({{kRoleOfOurs, "dev"}});
  EXPECT_EQ(Role::kDev, request.role);
  EXPECT_EQ("/workspace", request.workspace_path);
  EXPECT_EQ(std::nullopt, request.ignore_file);
  EXPECT_EQ(std::nullopt, request.session);
  EXPECT_EQ(Scratch{}, request.scratch);
  EXPECT_FALSE(request.keep_cwd);
  EXPECT_EQ(Enforce::kStrict, request.enforce);
  EXPECT_FALSE(request.debug);
}

TEST(Request, ReadsEveryAnnotation) {
  const Request request = *parse_request({{"io.cnb.hooks.role", "build"},
                                          {"io.cnb.hooks.workspace", "readonly"},
                                          {"io.cnb.hooks.workspace-path", "/srv//app/./x/"},
                                          {"io.cnb.hooks.ignore-file", "ci/my..ignore"},
                                          {"io.cnb.hooks.session", "A.b_c-1"},
                                          {"io.cnb.hooks.scratch", "tmpfs:2M"},
                                          {"io.cnb.hooks.platform-api", "0.13"},
                                          {"io.cnb.hooks.experimental-mode", "quiet"},
                                          {"io.cnb.hooks.cwd", "keep"},
                                          {"io.cnb.hooks.enforce", "warn"},
                                          {"io.cnb.hooks.log", "debug"}});
  EXPECT_EQ(Role::kBuild, request.role);
  EXPECT_EQ(WorkspaceMode::kReadonly, request.workspace);
  EXPECT_EQ("/srv/app/x", request.workspace_path);
  EXPECT_EQ("ci/my..ignore", request.ignore_file);
  EXPECT_EQ("A.b_c-1", request.session);
  EXPECT_EQ((Scratch{true, 2U << 20}), request.scratch);
  EXPECT_EQ("0.13", request.platform_api);
  EXPECT_EQ("quiet", request.experimental_mode);
  EXPECT_TRUE(request.keep_cwd);
  EXPECT_EQ(Enforce::kWarn, request.enforce);
  EXPECT_TRUE(request.debug);
}

TEST(Request, AnnotationsWinOverDefaults) {
  const Defaults defaults{{true, 5}, Enforce::kWarn, true};
  const Request by_default = *parse_request({{kRoleOfOurs, "dev"}}, defaults);
  EXPECT_EQ((Scratch{true, 5}), by_default.scratch);
  EXPECT_EQ(Enforce::kWarn, by_default.enforce);
  EXPECT_TRUE(by_default.debug);
  const Request annotated = *parse_request({{kRoleOfOurs, "dev"},
                                            {"io.cnb.hooks.scratch", "disk"},
                                            {"io.cnb.hooks.enforce", "strict"},
                                            {"io.cnb.hooks.log", "info"}},
                                           defaults);
  EXPECT_EQ(Scratch{}, annotated.scratch);
  EXPECT_EQ(Enforce::kStrict, annotated.enforce);
  EXPECT_FALSE(annotated.debug);
}

TEST(Request, KubernetesScopesWinByNearness) {
  Annotations annotations = {{"io.cnb.hooks.role", "dev"},
                             {"io.cnb.hooks.role/pod", "detect"},
                             {"io.cnb.hooks.role/container.app", "build"},
                             {"io.cnb.hooks.role/container.other", "launch"}};
  EXPECT_EQ(Role::kDetect, parse_request(annotations)->role);
  annotations["io.kubernetes.cri.container-name"] = "app";
  EXPECT_EQ(Role::kBuild, parse_request(annotations)->role);
  annotations.erase("io.kubernetes.cri.container-name");
  annotations["io.kubernetes.container.name"] = "other";
  EXPECT_EQ(Role::kLaunch, parse_request(annotations)->role);
  annotations["io.kubernetes.container.name"] = "third";
  EXPECT_EQ(Role::kDetect, parse_request(annotations)->role);
}

TEST(Request, OneContainerOfAPodMayOptIn) {
  Annotations annotations = {{"io.cnb.hooks.role/container.app", "build"},
                             {"io.kubernetes.cri.container-name", "sidecar"}};
  EXPECT_FALSE(parse_request(annotations));
  annotations["io.kubernetes.cri.container-name"] = "app";
  EXPECT_TRUE(parse_request(annotations));
  // Another container's bad value is that container's failure.
  annotations["io.cnb.hooks.scratch/container.sidecar"] = "nonsense";
  EXPECT_TRUE(parse_request(annotations));
  annotations["io.cnb.hooks.scratch/container.app"] = "nonsense";
  EXPECT_THROW(parse_request(annotations), Error);
}

TEST(Request, RefusesUnknownKeysAndNamesTheNearest) {
  const std::string keys =
      "use one of role, workspace, workspace-path, ignore-file, session, scratch, platform-api, "
      "experimental-mode, cwd, enforce, log";
  for (const Annotations& role : {Annotations{}, Annotations{{kRoleOfOurs, "dev"}}}) {
    const auto with = [&](const std::string& key) {
      Annotations annotations = role;
      annotations["io.cnb.hooks." + key] = "x";
      return annotations;
    };
    refuse(
        with("rol"),
        "annotation: unknown annotation \"io.cnb.hooks.rol\"; did you mean \"io.cnb.hooks.role\"?");
    refuse(with("work-space"),
           "annotation: unknown annotation \"io.cnb.hooks.work-space\"; did you "
           "mean \"io.cnb.hooks.workspace\"?");
    refuse(with("zzzzzzzzzzzzzzzzzzzz"),
           "annotation: unknown annotation \"io.cnb.hooks.zzzzzzzzzzzzzzzzzzzz\"; " + keys);
    refuse(with("role/pods"),
           "annotation: unknown annotation \"io.cnb.hooks.role/pods\"; the name is "
           "followed by nothing, by /pod or by /container.NAME");
    EXPECT_THROW(parse_request(with("role/container.")), Error);
    EXPECT_THROW(parse_request(with("")), Error);
  }
}

TEST(Request, RefusesUnknownWordsAndNamesTheNearest) {
  refuse(
      {{kRoleOfOurs, "biuld"}},
      "annotation: bad value \"biuld\"; annotation \"io.cnb.hooks.role\"; use one of dev, build, "
      "detect, launch; did you mean \"build\"?");
  refuse_value("workspace", "Overlay",
               "use one of overlay, readonly, live; did you mean \"overlay\"?");
  refuse_value("cwd", "", "use one of enforce, keep");
  refuse_value("enforce", "no\nwhere", "use one of strict, warn");
  refuse_value("experimental-mode", "quite",
               "use one of error, warn, quiet, silent; did you mean \"quiet\"?");
  refuse_value("platform-api", "0.12.1", "use N.M, for example 0.12");
  refuse_value("log", "debu", "use one of info, debug; did you mean \"debug\"?");
}

TEST(Request, RefusesWorkspacePathsThatAreNoPlaceForOne) {
  const std::string form = "give an absolute path of at most 1024 bytes without control characters";
  refuse_value("workspace-path", "workspace", form);
  refuse_value("workspace-path", "", form);
  refuse_value("workspace-path", "/a\nb", form);
  refuse_value("workspace-path", "/" + std::string(1024, 'a'), form);
  refuse_value("workspace-path", "/a/../b", "give a path without \"..\"");
  refuse_value("workspace-path", "//./", "the workspace can't be the container's root directory");
  for (const char* path : {"/proc", "/sys/fs", "/dev/shm", "//proc/self"}) {
    refuse_value("workspace-path", path, "the workspace can't be in /proc, /sys or /dev");
  }
  EXPECT_EQ("/process",
            parse_request({{kRoleOfOurs, "dev"}, {"io.cnb.hooks.workspace-path", "/process"}})
                ->workspace_path);
}

TEST(Request, RefusesIgnoreFilesOutsideTheSource) {
  const std::string form =
      "give a path relative to the source, of at most 1024 bytes without control characters";
  refuse_value("ignore-file", "/etc/passwd", form);
  refuse_value("ignore-file", "", form);
  refuse_value("ignore-file", "a\tb", form);
  refuse_value("ignore-file", "../x", "give a path inside the source, without \"..\"");
  refuse_value("ignore-file", "a/..", "give a path inside the source, without \"..\"");
}

TEST(Request, RefusesSessionNamesThatAreNoFileNames) {
  for (const std::string& name : {std::string(), std::string("-a"), std::string(".."),
                                  std::string("a/b"), std::string("a b"), std::string(65, 'a')}) {
    EXPECT_THROW(parse_request({{kRoleOfOurs, "dev"}, {"io.cnb.hooks.session", name}}), Error)
        << name;
  }
  EXPECT_EQ(std::string(64, 'a'),
            parse_request({{kRoleOfOurs, "dev"}, {"io.cnb.hooks.session", std::string(64, 'a')}})
                ->session);
}

TEST(Scratch, HasSizes) {
  EXPECT_EQ((Scratch{true, 1}), parse_scratch("tmpfs:1"));
  EXPECT_EQ((Scratch{true, 3U << 10}), parse_scratch("tmpfs:3k"));
  EXPECT_EQ((Scratch{true, uint64_t{1} << 40}), parse_scratch("tmpfs:1T"));
  EXPECT_EQ((Scratch{true, uint64_t{INT64_MAX}}), parse_scratch("tmpfs:9223372036854775807"));
  for (const char* bad :
       {"", "tmpfs:", "tmpfs:0", "tmpfs:-1", "tmpfs:1kb", "tmpfs:50%", "tmpfs:1 g", "ramfs",
        "tmpfs:8388608t", "tmpfs:9223372036854775808", "tmpfs:1.5g", "disk:1g"}) {
    EXPECT_EQ(std::nullopt, parse_scratch(bad)) << bad;
  }
}

TEST(PlatformApi, IsTwoNumbers) {
  for (const char* good : {"0.12", "1.0", "00.1"}) EXPECT_TRUE(is_platform_api(good)) << good;
  for (const char* bad :
       {"", ".", "1", "1.", ".1", "1.2.3", "a.b", "1.2 ", "1.2\n", "-1.2", "1.0000000000"}) {
    EXPECT_FALSE(is_platform_api(bad)) << bad;
  }
}

}  // namespace
}  // namespace hookcore::optin
