#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "libhookcore/doctor/doctor.h"
#include "libhookcore/doctor/podman_config.h"
#include "tests/unit/support/tree.h"

/// A machine made up in a directory, on which all is well.
namespace hookcore::doctor {

inline constexpr const char* kPrograms = "/usr/libexec/oci-cnb-hooks";
inline constexpr const char* kOwnHooks = "/usr/share/oci-cnb-hooks/podman-hooks.d";
inline constexpr const char* kDropIn = "/etc/containers/containers.conf.d/50-oci-cnb-hooks.conf";

inline std::string hook_json(const std::string& program, const std::string& stage) {
  return R"({"version": "1.0.0", "hook": {"path": ")" + std::string(kPrograms) + "/" + program +
         R"(", "args": ["x"], "env": ["PATH=/usr/bin:/bin"]}, "when": {"annotations": )"
         R"({"^io\\.cnb\\.hooks\\..*$": "(?s)^.*$"}}, "stages": [")" +
         stage + "\"]}";
}

class Doctor : public ::testing::Test {
 protected:
  Doctor() {
    ::chmod(root_.c_str(), 0755);
    for (const char* program :
         {"oci-cnb-precreate", "oci-cnb-createruntime", "oci-cnb-prestart", "oci-cnb-poststop",
          "oci-cnb-fuse", "oci-cnb-guard", "oci-cnb-nri"}) {
      put(std::string(kPrograms) + "/" + program, "program", 0755);
    }
    put(std::string(kSharedHooks) + "/90-a.json",
        hook_json("oci-cnb-createruntime", "createRuntime"));
    put(std::string(kSharedHooks) + "/90-b.json", hook_json("oci-cnb-poststop", "poststop"));
    put(std::string(kOwnHooks) + "/90-c.json", hook_json("oci-cnb-precreate", "precreate"));
    put(kDropIn, "[engine]\nhooks_dir = [\"" + std::string(kSharedHooks) + "\", \"" +
                     std::string(kOwnHooks) + "\"]\n");
    put("/usr/bin/podman", "engine", 0755);
    put("/usr/bin/crun", "engine", 0755);
    put("/proc/self/mountinfo", "30 20 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    std::filesystem::create_directories(root_ + "/var/lib");
  }

  void put(const std::string& path, const std::string& text, mode_t mode = 0644) {
    tree::make(root_, {path.substr(1) + "=" + text});
    ::chmod((root_ + path).c_str(), mode);
  }
  void remove(const std::string& path) { ::unlink((root_ + path).c_str()); }

  /// A machine whose kernel can do it all. rootful decides whose machine it is.
  Machine machine(bool rootful = true) {
    Machine machine{Files(root_), root_, {}, "/home/ann", kPrograms, {}, {}};
    machine.user = {::geteuid(), rootful, "/home/ann"};
    machine.kernel.release = "6.1";
    machine.kernel.namespaces = {"mnt", "pid", "user", "net", "ipc", "uts", "cgroup"};
    machine.find_nri_plugin = [this] { return plugin_; };
    machine.try_ways = [this](const WayQuestion& question) {
      question_ = question;
      return answer_;
    };
    machine.run = [this](const std::string& program, const std::vector<std::string>&) {
      return std::optional(program.substr(root_.size()) + " version " + version_ + "\nmore 1\n");
    };
    return machine;
  }

  /// Everything that isn't well, one line each.
  std::string complaints(const Machine& machine) {
    std::string text;
    for (const Finding& finding : examine(machine)) {
      EXPECT_EQ(finding.status == Status::kOk, finding.why.empty()) << finding.what;
      EXPECT_EQ(finding.status == Status::kOk, finding.mend.empty()) << finding.what;
      if (finding.status == Status::kOk) continue;
      text += (finding.status == Status::kFailure ? "fail " : "warn ") + finding.check + ": " +
              finding.what + "\n";
    }
    return text;
  }
  std::string complaints() { return complaints(machine()); }

  const tree::Room room_{"doctor"};
  const std::string root_ = room_.path();
  std::string version_ = "5.4.2";
  WayAnswer answer_{Way::kOverlay, {}, false, 0, "", ""};
  WayQuestion question_;
  NriPlugin plugin_;
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

}  // namespace hookcore::doctor
