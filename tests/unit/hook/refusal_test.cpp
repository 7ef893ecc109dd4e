#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libhookcore/base/error.h"
#include "libhookcore/hook/mount_hook.h"
#include "libhookcore/hook/poststop.h"
#include "tests/unit/hook/bench.h"
#include "tests/unit/support/seccomp.h"

namespace hookcore::hook {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;
using testing::Outcome;
using Lines = std::vector<std::string>;

/// What a refused container must not have: a mount of ours, a session, anything new in its rootfs.
class Refusal : public ::testing::TestWithParam<As> {
 protected:
  void expect(Code code, const std::string& part, const std::function<void(Bench&)>& prepare,
              const std::function<void(Bench&)>& mounts = {}) {
    sandbox::run(GetParam(), [&](const Place& place) {
      Bench b(place);
      prepare(b);
      const auto source = tree::snapshot(b.path("source"));
      b.start([&] {
        if (mounts) mounts(b);
      });
      const Lines before = tree::names(b.path("rootfs"));
      const Outcome outcome = b.mount_hook();
      EXPECT_EQ(hook_exit_code(code), outcome.exit_code) << outcome.error;
      EXPECT_TRUE(outcome.error.starts_with("oci-cnb-test: " + std::string(code_name(code)) + ": "))
          << outcome.error;
      EXPECT_NE(std::string::npos, outcome.error.find(part)) << outcome.error;
      EXPECT_EQ(outcome.error.size() - 1, outcome.error.find('\n')) << outcome.error;
      EXPECT_EQ(before, tree::names(b.path("rootfs"))) << "what was made is undone";
      EXPECT_EQ(source, tree::snapshot(b.path("source")));
      EXPECT_TRUE(b.sessions().empty());
      EXPECT_TRUE(b.host_mounts("rootfs").empty());
      if (tree::exists(b.store())) {
        EXPECT_TRUE(tree::names(b.store() + "/trash").empty());
        const std::string log = tree::read(b.store() + "/log/hooks.log");
        EXPECT_NE(std::string::npos, log.find(part)) << "the log has it too";
      }
    });
  }

  /// The same for a workspace that the image has put there; nothing is mounted at it.
  void expect_workspace(Code code, const std::string& part, const Lines& entries) {
    expect(code, part, [&](Bench& b) {
      ASSERT_EQ(0, ::rmdir(b.path("rootfs/workspace").c_str()));
      b.workspace_source.clear();
      b.add_mount(b.path("source"), "/workspace");  // the engine says it has mounted it
      tree::make(b.path("rootfs"), entries);
    });
  }
};

TEST_P(Refusal, AWorkspaceThatIsALink) {
  expect_workspace(Code::kLayout, "is a link to \"/etc\"", {"workspace->/etc"});
  expect_workspace(Code::kLayout, "is a link to \"../..\"", {"workspace->../.."});
  expect_workspace(Code::kLayout, "is a link", {"workspace->workspace"});
  expect_workspace(Code::kLayout, "is a link", {"workspace->/proc/self/root"});
}

TEST_P(Refusal, AWorkspaceThatIsAFileOrAbsent) {
  expect_workspace(Code::kLayout, "is not a directory", {"workspace=file"});
  expect_workspace(Code::kSource, "nothing is mounted at /workspace", {});
}

TEST_P(Refusal, AWorkspaceWithoutAMount) {
  expect(Code::kSource, "nothing is mounted at /workspace", [](Bench& b) {
    b.workspace_source.clear();
    b.add_mount(b.path("source"), "/workspace");
  });
}

TEST_P(Refusal, ALoopOnTheWay) {
  expect(Code::kLayout, "too many links", [](Bench& b) {
    tree::make(b.path("rootfs"), {"a->b", "b->a"});
    b.annotations["io.cnb.hooks.workspace-path"] = "/a/workspace";
    b.add_mount(b.path("source"), "/a/workspace");
  });
}

// Links on the way lead where they would in the container, not on the host.
TEST_P(Refusal, ALinkOnTheWayStaysInTheRootfs) {
  expect(Code::kSource, "nothing is mounted", [](Bench& b) {
    tree::make(b.path("rootfs"), {"out->../../../../../../.."});
    const std::string inside = "/out" + b.path("source");
    b.annotations["io.cnb.hooks.workspace-path"] = inside;
    b.add_mount(b.path("source"), inside);
  });
}

TEST_P(Refusal, AWorkspaceOnProc) {
  expect(
      Code::kLayout, "lies on proc",
      [](Bench& b) {
        b.workspace_source.clear();
        b.add_mount("/proc", "/workspace");
      },
      [](Bench& b) {
        if (::mount("/proc", b.path("rootfs/workspace").c_str(), nullptr, MS_BIND | MS_REC,
                    nullptr) != 0) {
          throw std::runtime_error("proc");
        }
      });
}

TEST_P(Refusal, LayersOrPlatformThatLeadElsewhere) {
  expect(Code::kLayout, "/layers is a link to \"/etc\"",
         [](Bench& b) { tree::make(b.path("rootfs"), {"layers->/etc"}); });
  expect(Code::kLayout, "/platform is not a directory",
         [](Bench& b) { tree::make(b.path("rootfs"), {"platform=file"}); });
}

TEST_P(Refusal, ABuildWithoutALifecycleIsUndoneWhole) {
  expect(Code::kLayout, "/cnb/lifecycle",
         [](Bench& b) { b.annotations["io.cnb.hooks.role"] = "build"; });
}

TEST_P(Refusal, BadAnnotations) {
  expect(Code::kAnnotation, "role", [](Bench& b) { b.annotations["io.cnb.hooks.role"] = "devv"; });
  expect(Code::kAnnotation, "workspace",
         [](Bench& b) { b.annotations["io.cnb.hooks.wrkspace"] = "overlay"; });
}

TEST_P(Refusal, BadIgnoreFiles) {
  expect(Code::kIgnoreFile, ".dockerignore",
         [](Bench& b) { tree::write(b.path("source/.dockerignore"), "ok\n[\n"); });
  expect(Code::kIgnoreFile, ".dockerignore",
         [](Bench& b) { tree::make(b.path("source"), {".dockerignore/"}); });
}

TEST_P(Refusal, CwdThatIsNotTheWorkspace) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench b(place);
    b.start();
    auto config = nlohmann::ordered_json::parse(tree::read(b.path("bundle/config.json")));
    config["process"]["cwd"] = "/";
    tree::write(b.path("bundle/config.json"), config.dump());
    const Outcome outcome = b.mount_hook();
    EXPECT_EQ(hook_exit_code(Code::kEnvironment), outcome.exit_code) << outcome.error;
    EXPECT_TRUE(b.sessions().empty());
  });
}

TEST_P(Refusal, BrokenDocuments) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench b(place);
    b.start();
    const std::string state = b.state();
    const auto exit_of = [&](const std::string& text) {
      return b.run(run_mount_hook, text).exit_code;
    };
    for (size_t length = 0; length < state.size(); length += 7) {
      EXPECT_EQ(hook_exit_code(Code::kState), exit_of(state.substr(0, length))) << length;
    }
    EXPECT_EQ(hook_exit_code(Code::kState), exit_of("[]"));
    EXPECT_EQ(hook_exit_code(Code::kState), exit_of(std::string(100000, '[')));
    EXPECT_EQ(hook_exit_code(Code::kState), b.run(run_poststop_hook, "{").exit_code);

    const std::string config = tree::read(b.path("bundle/config.json"));
    for (size_t length = 0; length < config.size() - 1; length += 211) {
      tree::write(b.path("bundle/config.json"), config.substr(0, length));
      EXPECT_EQ(hook_exit_code(Code::kConfig), exit_of(state)) << length;
    }
    ASSERT_EQ(0, ::unlink(b.path("bundle/config.json").c_str()));
    EXPECT_EQ(hook_exit_code(Code::kConfig), exit_of(state));
    ASSERT_EQ(0, ::mkfifo(b.path("bundle/config.json").c_str(), 0600));
    EXPECT_EQ(hook_exit_code(Code::kConfig), exit_of(state)) << "a FIFO doesn't hold us up";
    EXPECT_TRUE(b.sessions().empty());
  });
}

TEST_P(Refusal, AProcessThatIsNotAContainer) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench b(place);
    b.start();
    const auto with_pid = [&](const std::string& pid) {
      auto state = nlohmann::ordered_json::parse(b.state());
      state["pid"] = std::stoi(pid);
      return b.run(run_mount_hook, state.dump());
    };
    for (const std::string& pid :
         {std::string("0"), std::string("2147483632"), std::to_string(::getpid())}) {
      const Outcome outcome = with_pid(pid);
      EXPECT_EQ(hook_exit_code(Code::kState), outcome.exit_code) << pid << outcome.error;
      EXPECT_TRUE(b.sessions().empty()) << pid;
    }
  });
}

TEST_P(Refusal, AStoreThatOthersCanWrite) {
  sandbox::run(GetParam(), [](const Place& place) {
    Bench b(place);
    tree::make("/", {b.store().substr(1) + "/"});
    ASSERT_EQ(0, ::chmod(b.store().c_str(), 0777));
    b.start();
    const Outcome outcome = b.mount_hook();
    EXPECT_EQ(hook_exit_code(Code::kScratch), outcome.exit_code) << outcome.error;
    EXPECT_NE(std::string::npos, outcome.error.find("0777")) << outcome.error;
  });
}

INSTANTIATE_TEST_SUITE_P(As, Refusal, ::testing::Values(As::kRoot, As::kUser), sandbox::name_of);

// SPEC 4, "Ids".
TEST(RefusalOfIds, AProcessThatCouldNotWriteItsWorkspace) {
  sandbox::run(As::kUser, [](const Place& place) {
    Bench b(place);
    b.config["process"]["user"] = {{"uid", 1001}, {"gid", 1001}};
    b.config["process"]["capabilities"]["effective"] = nlohmann::ordered_json::array();
    b.start();
    const Outcome outcome = b.mount_hook();
    EXPECT_EQ(hook_exit_code(Code::kIds), outcome.exit_code) << outcome.error;
    EXPECT_NE(std::string::npos, outcome.error.find("--userns=keep-id:uid=1001,gid=1001"))
        << outcome.error;
  });
}

TEST(RefusalOfIds, APodsAuthorIsToldAFieldOfThePod) {
  sandbox::run(As::kUser, [](const Place& place) {
    Bench b(place);
    b.annotations["io.kubernetes.cri.container-type"] = "container";
    b.config["process"]["user"] = {{"uid", 1001}, {"gid", 1001}};
    b.config["process"]["capabilities"]["effective"] = nlohmann::ordered_json::array();
    b.start();
    const Outcome outcome = b.mount_hook();
    EXPECT_EQ(hook_exit_code(Code::kIds), outcome.exit_code) << outcome.error;
    EXPECT_NE(std::string::npos, outcome.error.find("securityContext: {runAsUser: 0}"))
        << outcome.error;
  });
}

TEST(Ids, ASourceOfAnotherUserIsShownAsTheProcesss) {
  sandbox::run(As::kRoot, [](const Place& place) {
    for (const bool old_kernel : {false, true}) {
      Bench b(place);
      for (const char* name : {"source", "source/file", "source/dir", "source/dir/x"}) {
        ASSERT_EQ(0, ::chown(b.path(name).c_str(), 4711, 4712));
      }
      b.config["process"]["user"] = {{"uid", 1001}, {"gid", 1002}};
      b.config["process"]["capabilities"]["effective"] = nlohmann::ordered_json::array();
      b.start();
      const Outcome outcome = b.mount_hook([old_kernel] {
        if (old_kernel) seccomp::lack_descriptor_options();
      });
      if (!old_kernel && outcome.exit_code == hook_exit_code(Code::kIds)) {
        sandbox::skip("this file system takes no id map");
      }
      ASSERT_EQ(0, outcome.exit_code) << outcome.error;
      struct stat status {};
      ASSERT_EQ(0, ::stat(b.inside("rootfs/workspace/dir/x").c_str(), &status));
      EXPECT_EQ(1001U, status.st_uid);
      EXPECT_EQ(1002U, status.st_gid);
      ASSERT_EQ(0, ::stat(b.inside("rootfs/workspace").c_str(), &status));
      EXPECT_EQ(1001U, status.st_uid);
      ASSERT_EQ(0, ::stat(b.path("source/file").c_str(), &status));
      EXPECT_EQ(4711U, status.st_uid);
    }
  });
}

}  // namespace
}  // namespace hookcore::hook
