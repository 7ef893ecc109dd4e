// A machine made up in a directory: what the doctor says of it.
#include "libhookcore/doctor/doctor.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "libhookcore/doctor/podman_config.h"
#include "tests/unit/support/tree.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kPrograms = "/usr/libexec/oci-cnb-hooks";
constexpr const char* kOwnHooks = "/usr/share/oci-cnb-hooks/podman-hooks.d";
constexpr const char* kDropIn = "/etc/containers/containers.conf.d/50-oci-cnb-hooks.conf";

std::string hook_json(const std::string& program, const std::string& stage) {
  return R"({"version": "1.0.0", "hook": {"path": ")" + std::string(kPrograms) + "/" + program +
         R"(", "args": ["x"], "env": ["PATH=/usr/bin:/bin"]}, "when": {"annotations": )"
         R"({"^io\\.cnb\\.hooks\\..*$": "(?s)^.*$"}}, "stages": [")" +
         stage + "\"]}";
}

class Doctor : public ::testing::Test {
 protected:
  Doctor() {
    const char* base = std::getenv("TMPDIR");
    root_ = std::string(base != nullptr ? base : "/tmp") + "/doctor.XXXXXX";
    if (::mkdtemp(root_.data()) == nullptr) std::abort();
    ::chmod(root_.c_str(), 0755);
    for (const char* program :
         {"oci-cnb-precreate", "oci-cnb-createruntime", "oci-cnb-prestart", "oci-cnb-poststop"}) {
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
    std::filesystem::create_directories(root_ + "/var/lib");
  }
  ~Doctor() override { std::filesystem::remove_all(root_); }

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
      // The scratch of an ordinary user's test can't be tried with trusted attributes.
      if (finding.status == Status::kOk || finding.check == "scratch") continue;
      text += (finding.status == Status::kFailure ? "fail " : "warn ") + finding.check + ": " +
              finding.what + "\n";
    }
    return text;
  }
  std::string complaints() { return complaints(machine()); }

  std::string root_;
  std::string version_ = "5.4.2";
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(Doctor, FindsNothingOnAGoodMachine) { EXPECT_EQ(complaints(), ""); }

TEST_F(Doctor, ReadsVersionsOfEngines) {
  Findings findings = examine(machine());
  const auto found = std::find_if(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.what == "podman 5.4.2, /usr/bin/podman";
  });
  EXPECT_NE(found, findings.end());
  remove("/usr/bin/podman");
  EXPECT_HAS(complaints(), "warn engines: podman is not here");
  remove("/usr/bin/crun");
  EXPECT_HAS(complaints(), "fail engines: neither crun nor runc is here");
}

TEST_F(Doctor, EngineThatDoesNotAnswerIsAWarning) {
  Machine silent = machine();
  silent.run = [](const auto&, const auto&) { return std::nullopt; };
  EXPECT_HAS(complaints(silent), "warn engines: /usr/bin/podman doesn't say its version");
}

TEST_F(Doctor, KernelWithoutNewerCallsIsAWarning) {
  Machine old = machine();
  old.kernel.missing_calls = {"fsopen", "mount_setattr"};
  EXPECT_HAS(complaints(old), "warn kernel-calls: Linux 6.1 lacks fsopen, mount_setattr");
  old.kernel.missing_calls.emplace_back("openat2");
  EXPECT_HAS(complaints(old), "warn kernel-calls: Linux 6.1 lacks fsopen, mount_setattr, openat2");
}

std::string everything(const Machine& machine) {
  std::string text;
  for (const Finding& finding : examine(machine))
    text += finding.check + ": " + finding.what + "\n";
  return text;
}

TEST_F(Doctor, WindowsAndItsDrivesAreExplained) {
  put("/proc/version", "Linux version 5.15.167.4-microsoft-standard-WSL2 (root@f9c8) (gcc)\n");
  put("/proc/self/mountinfo",
      "75 80 0:36 / /usr/lib/wsl/drivers ro - 9p drivers ro,aname=drivers;fmask=222,trans=fd\n"
      "90 80 0:48 / /mnt/c rw - 9p C:\\134 rw,aname=drvfs;path=C:\\;uid=1000,trans=fd\n"
      "91 80 0:49 / /mnt/my\\040d rw - 9p D:\\134 rw,aname=drvfs;path=D:\\;trans=fd\n"
      "92 80 8:32 / / rw - ext4 /dev/sdc rw\n");
  EXPECT_HAS(everything(machine()), "guest: this is WSL2 under Windows: the hooks");
  EXPECT_HAS(complaints(), "warn shared-directory: \"/mnt/c\" is a drive of Windows (9p)");
  EXPECT_HAS(complaints(), "warn shared-directory: \"/mnt/my d\" is a drive of Windows (9p)");
  EXPECT_EQ(std::string::npos, everything(machine()).find("/usr/lib/wsl"));
}

TEST_F(Doctor, GuestsOfMacAndWhatIsSharedWithThemAreNamed) {
  put("/proc/self/mountinfo",
      "31 28 0:30 / /Users/ann/app ro - virtiofs mount0 ro\n"
      "32 28 0:31 / /private rw - 9p vol1 rw,trans=virtio\n"
      "33 28 0:32 / /home/ann/far rw - fuse.sshfs host:/far rw\n"
      "34 28 0:33 / /sys/fs/fuse/connections rw - fusectl fusectl rw\n");
  EXPECT_EQ(std::string::npos, everything(machine()).find("guest: "));
  put("/run/lima-boot-done", "");
  EXPECT_HAS(everything(machine()), "guest: this is Lima's guest");
  put("/etc/containers/podman-machine", "applehv");
  const std::string all = everything(machine());
  EXPECT_HAS(all, "guest: this is podman machine's guest");
  EXPECT_HAS(all, "shared-directory: \"/Users/ann/app\" is the host's (virtiofs): for sources");
  EXPECT_HAS(all, "shared-directory: \"/private\" is the host's (9p)");
  EXPECT_HAS(all, "shared-directory: \"/home/ann/far\" is the host's (fuse.sshfs)");
  EXPECT_EQ(std::string::npos, all.find("connections"));
  EXPECT_EQ("", complaints());
}

TEST_F(Doctor, KernelWithoutOverlayIsAFailure) {
  Machine machine = this->machine();
  machine.kernel.overlay_failure = "fsopen: No such device";
  EXPECT_HAS(complaints(machine), "fail kernel-overlay: no overlay: fsopen: No such device");
  // A user's namespaces may be given to podman alone.
  machine.user.rootful = false;
  EXPECT_HAS(complaints(machine), "fail kernel-overlay");
  put("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
  EXPECT_HAS(complaints(machine), "warn kernel-overlay");
}

TEST_F(Doctor, ProgramsMustBeThereExecutableAndSafe) {
  const std::string program = std::string(kPrograms) + "/oci-cnb-poststop";
  ::chmod((root_ + program).c_str(), 0775);
  EXPECT_HAS(complaints(), "poststop belongs to uid");
  ::chmod((root_ + program).c_str(), 0700);
  EXPECT_HAS(complaints(), "poststop is not executable for everybody");
  remove(program);
  const std::string text = complaints();
  EXPECT_HAS(text, "fail programs: " + program + " is missing");
  EXPECT_HAS(text, "fail hook-files: \"/usr/share/containers/oci/hooks.d/90-b.json\" names");
}

TEST_F(Doctor, LinkOfAProgramIsFollowedInsideTheMachine) {
  const std::string program = std::string(kPrograms) + "/oci-cnb-poststop";
  remove(program);
  ASSERT_EQ(
      ::symlink((std::string(kPrograms) + "/oci-cnb-prestart").c_str(), (root_ + program).c_str()),
      0);
  EXPECT_EQ(complaints(), "");
}

TEST_F(Doctor, PrecreateIsReadByPodmanOnlyWhereItIsNamed) {
  remove(kDropIn);
  EXPECT_EQ(complaints(),
            "fail hook-files: podman doesn't call our hook in the stage precreate: it reads "
            "/usr/share/containers/oci/hooks.d (its default)\n");
}

TEST_F(Doctor, PrecreateInASharedDirectoryBreaksOthers) {
  const std::string stray = std::string(kSharedHooks) + "/x.json";
  put(stray, hook_json("oci-cnb-precreate", "precreate"));
  EXPECT_HAS(complaints(), "directory that others share");
  remove(stray);
  // podman doesn't read this one; CRI-O and buildah do.
  put("/etc/containers/oci/hooks.d/x.json", hook_json("oci-cnb-precreate", "precreate"));
  EXPECT_HAS(complaints(), "\"/etc/containers/oci/hooks.d/x.json\" has the stage precreate");
}

TEST_F(Doctor, BrokenHookFilesStopPodman) {
  const std::string path = std::string(kSharedHooks) + "/z.json";
  for (const char* text :
       {"", "{", "[]", "{\"version\": \"2.0.0\"}", "{\"version\": 1}",
        R"({"version": "1.0.0", "hook": {}, "when": {}, "stages": []})",
        R"({"version": "1.0.0", "hook": {"path": 1}, "when": {}, "stages": []})",
        R"({"version": "1.0.0", "hook": {"path": "/x"}, "when": {}, "stages": "poststop"})",
        R"({"version": "1.0.0", "hook": {"path": "/x"}, "when": {}, "stages": ["poststart?"]})"}) {
    put(path, text);
    EXPECT_HAS(complaints(), "fail hook-files: \"" + path + "\": ") << text;
  }
  remove(path);
  // Only files that end in .json are read.
  put(std::string(kSharedHooks) + "/z.json.example", "{");
  EXPECT_EQ(complaints(), "");
}

TEST_F(Doctor, OurHookFilesAreCheckedThoroughly) {
  const std::string path = std::string(kSharedHooks) + "/90-b.json";
  std::string text = hook_json("oci-cnb-poststop", "poststop");
  text.replace(text.find("[\"PATH"), std::string("[\"PATH=/usr/bin:/bin\"]").size(), "[]");
  put(path, text);
  EXPECT_HAS(complaints(), "gives the hook no env");
  text = hook_json("oci-cnb-poststop", "poststop");
  text.replace(text.find("^io"), 3, "io");
  put(path, text);
  EXPECT_HAS(complaints(), "doesn't match the annotations");
  put(path, hook_json("oci-cnb-poststop", "poststop"), 0666);
  EXPECT_HAS(complaints(), "with mode 0666");
}

TEST_F(Doctor, PrestartServesInsteadOfCreateRuntime) {
  put(std::string(kSharedHooks) + "/90-a.json", hook_json("oci-cnb-prestart", "prestart"));
  EXPECT_EQ(complaints(), "");
}

TEST_F(Doctor, SettingsAreReadAsTheHooksDo) {
  put("/etc/oci-cnb-hooks/config.toml", "\nscratchdir = \"/x\"\n");
  EXPECT_HAS(complaints(), "config.toml:2");
  put("/etc/oci-cnb-hooks/config.toml", "cnb-dir = \"/opt/cnb\"\n");
  EXPECT_HAS(complaints(), "fail settings: cnb-dir \"/opt/cnb\" is not there");
  put("/opt/cnb/lifecycle/x", "");
  EXPECT_EQ(complaints(), "");
}

TEST_F(Doctor, ScratchOfOthersIsRefused) {
  std::filesystem::create_directories(root_ + "/var/lib/oci-cnb-hooks");
  ::chmod((root_ + "/var/lib/oci-cnb-hooks").c_str(), 0777);
  Findings findings = examine(machine());
  EXPECT_TRUE(has_failures(findings));
  const auto found = std::find_if(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.what.find("with mode 0777") != std::string::npos;
  });
  EXPECT_NE(found, findings.end());
}

TEST_F(Doctor, RootlessNeedsSubordinateIdsAndTheirPrograms) {
  Machine rootless = machine(false);
  const std::string uid = std::to_string(::geteuid());
  put("/etc/passwd", "ann:x:" + uid + ":1::/home/ann:/bin/sh\n");
  std::string text = complaints(rootless);
  EXPECT_HAS(text, "/etc/subuid gives ann 0 ids");
  EXPECT_HAS(text, "newuidmap is not installed");
  put("/usr/bin/newuidmap", "", 0755);
  put("/usr/bin/newgidmap", "", 0755);
  put("/etc/subuid", "bob:1:65536\nann:100000:1000\nann:200000:64536\nbroken\n::\n");
  put("/etc/subgid", uid + ":100000:65536");
  EXPECT_EQ(complaints(rootless), "");
  EXPECT_EQ(complaints(), "") << "root needs none of it";
}

TEST_F(Doctor, NamesFromOutsideAreQuoted) {
  put(std::string(kSharedHooks) + "/a\nb\x1b[31m.json", "{");
  const std::string text = complaints();
  EXPECT_HAS(text, "a\\nb\\x1b[31m.json");
}

class WorkspaceTest : public Doctor {
 protected:
  WorkspaceTest() {
    put("/proc/self/mountinfo",
        "90 80 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "91 80 0:49 / /mnt/share rw - virtiofs share rw\n"
        "92 80 0:50 / /mnt/share/disk rw - xfs /dev/sdb rw\n");
  }

  WorkspaceReport report(const std::string& source, bool rootful = true) {
    Machine asked = machine(rootful);
    asked.try_ways = [this](const WayQuestion& question) {
      question_ = question;
      return answer_;
    };
    return examine_workspace(asked, source);
  }
  /// The last finding, which is about the way.
  Finding verdict(const std::string& source = "/src", bool rootful = true) {
    return report(source, rootful).findings.back();
  }

  WayAnswer answer_{Way::kOverlay, {}, false, 0, "", ""};
  WayQuestion question_;
};

TEST_F(WorkspaceTest, TheFileSystemsAreNamed) {
  put("/etc/oci-cnb-hooks/config.toml", "scratch-dir = \"/mnt/share/disk/scratch\"\n");
  EXPECT_EQ("ext4", report("/mnt/share/a").scratch_system) << "of the nearest that is there";
  EXPECT_EQ("/", question_.scratch);
  std::filesystem::create_directories(root_ + "/mnt/share/disk");
  const WorkspaceReport found = report("/mnt/share/a");
  EXPECT_EQ("virtiofs", found.source_system);
  EXPECT_EQ("xfs", found.scratch_system);
  EXPECT_EQ(Status::kOk, found.findings.back().status);
  EXPECT_HAS(found.findings.back().what, "scratch \"/mnt/share/disk/scratch\" (xfs): the kernel");
  EXPECT_HAS(found.findings.at(1).what, "\"/mnt/share\" is the host's (virtiofs): for sources");
  EXPECT_EQ("ext4", report("/mnt/shared").source_system);
}

TEST_F(WorkspaceTest, ALaterWayIsAWarningWithItsPriceAndWhatWouldBeBetter) {
  answer_.way = Way::kFuse;
  answer_.refusals = {{Way::kOverlay, "lies on nfs", "put it elsewhere"}};
  Finding finding = verdict();
  EXPECT_EQ(Status::kWarning, finding.status);
  EXPECT_EQ("overlay: lies on nfs; slower, and a daemon runs beside the container", finding.why);
  EXPECT_EQ("put it elsewhere", finding.mend);
  EXPECT_HAS(verdict("/src", false).why, "crun or runc without an engine");
  answer_.way = Way::kCopy;
  answer_.bytes = 12;
  answer_.refusals.push_back({Way::kFuse, "not installed", "install it"});
  answer_.refusals.push_back({Way::kReflink, "no", "put it elsewhere"});
  finding = verdict();
  EXPECT_HAS(finding.what, "a copy of the visible files, 12 bytes");
  EXPECT_EQ("put it elsewhere; or install it", finding.mend);
}

TEST_F(WorkspaceTest, TheWayThatIsConfiguredIsWell) {
  put("/etc/oci-cnb-hooks/config.toml", "way = \"fuse\"\n");
  answer_.way = Way::kFuse;
  answer_.refusals = {{Way::kOverlay, "way = \"fuse\" is configured", "x"}};
  EXPECT_EQ(Status::kOk, verdict().status);
  EXPECT_EQ(Way::kFuse, question_.policy.only);
}

TEST_F(WorkspaceTest, ARefusalIsAFailure) {
  answer_.way.reset();
  answer_.refusals = {{Way::kOverlay, "no", ""}, {Way::kFuse, "neither", ""}};
  EXPECT_EQ(Status::kFailure, verdict().status);
  EXPECT_EQ("a container over it is refused: overlay: no, fuse: neither", verdict().why);
  EXPECT_HAS(verdict().mend, "set scratch-dir");
  answer_.problem = "no room";
  answer_.remedy = "make room";
  EXPECT_HAS(verdict().what, "no room");
  EXPECT_EQ("make room", verdict().mend);
}

TEST_F(WorkspaceTest, WhatCanNotBeTriedIsAWarning) {
  answer_.problem = "this machine allows a plain user no user namespace";
  put("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
  EXPECT_EQ(Status::kWarning, verdict("/src", false).status);
  EXPECT_EQ(Status::kFailure, verdict("/src", true).status);
}

TEST_F(WorkspaceTest, AReadOnlySourceAndMemoryNeedNoScratch) {
  answer_.read_only = true;
  EXPECT_EQ("\"/src\" (ext4): the kernel's overlay, read-only as the source is mounted",
            verdict().what);
  answer_.read_only = false;
  put("/etc/oci-cnb-hooks/config.toml", "scratch = \"tmpfs\"\n");
  EXPECT_EQ("\"/src\" (ext4): the kernel's overlay, written in memory", verdict().what);
  EXPECT_TRUE(question_.tmpfs);
}

TEST_F(WorkspaceTest, NothingIsTriedWhereTheHooksWouldRefuseTheirSettingsOrScratch) {
  put("/etc/oci-cnb-hooks/config.toml", "way = \"both\"\n");
  EXPECT_EQ("settings", verdict().check);
  put("/etc/oci-cnb-hooks/config.toml", "scratch-dir = \"/wide\"\n");
  std::filesystem::create_directories(root_ + "/wide");
  ::chmod((root_ + "/wide").c_str(), 0777);
  EXPECT_HAS(verdict().what, "/wide belongs to uid");
  EXPECT_EQ("", question_.source);
}

using Directories = std::vector<std::string>;

class PodmanConfigTest : public Doctor {
 protected:
  PodmanConfigTest() { remove(kDropIn); }
  Directories directories(bool rootful = true, unsigned major = 4) {
    return read_podman_config(machine(rootful), major).hook_directories;
  }
  void set(const std::string& path, const std::string& list) {
    put(path, "[engine]\nhooks_dir = [" + list + "]\n");
  }
};

TEST_F(PodmanConfigTest, DefaultIsTheSharedDirectory) {
  EXPECT_EQ(directories(), Directories{kSharedHooks});
}

TEST_F(PodmanConfigTest, LaterFilesReplaceEarlierOnes) {
  set("/usr/share/containers/containers.conf", "'/1'");
  EXPECT_EQ(directories(), Directories{"/1"});
  set("/etc/containers/containers.conf", "'/2'");
  EXPECT_EQ(directories(), Directories{"/2"});
  set("/etc/containers/containers.conf.d/20.conf", "'/20', '/21'");
  set("/etc/containers/containers.conf.d/10.conf", "'/10'");
  set("/etc/containers/containers.conf.d/30.txt", "'/30'");
  EXPECT_EQ(directories(), (Directories{"/20", "/21"}));
  put("/etc/containers/containers.conf.d/40.conf", "[engine]\nruntime = 'crun'\n");
  EXPECT_EQ(directories(), (Directories{"/20", "/21"}));
}

TEST_F(PodmanConfigTest, HomeCountsForUsersAndForRootSincePodman5) {
  set("/home/ann/.config/containers/containers.conf", "'/home'");
  EXPECT_EQ(directories(false, 4), Directories{"/home"});
  EXPECT_EQ(directories(true, 4), Directories{kSharedHooks});
  EXPECT_EQ(directories(true, 5), Directories{"/home"});
  set("/home/ann/.config/containers/containers.conf.d/1.conf", "'/more'");
  EXPECT_EQ(directories(false, 4), Directories{"/more"});
}

TEST_F(PodmanConfigTest, AppendKeepsWhatCameBefore) {
  set("/etc/containers/containers.conf", "'/1', {append=true}");
  EXPECT_EQ(directories(), (Directories{kSharedHooks, "/1"}));
}

TEST_F(PodmanConfigTest, BrokenFileIsNamedWithItsLine) {
  put("/etc/containers/containers.conf", "[engine]\nhooks_dir = [\n");
  const Findings findings = read_podman_config(machine(), 4).findings;
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].status, Status::kFailure);
  EXPECT_HAS(findings[0].what, "/etc/containers/containers.conf:");
}

}  // namespace
}  // namespace hookcore::doctor
