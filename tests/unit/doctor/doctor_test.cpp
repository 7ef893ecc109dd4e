// A machine made up in a directory: what the doctor says of it.
#include <algorithm>

#include "tests/unit/doctor/fixture.h"

namespace hookcore::doctor {
namespace {

TEST_F(Doctor, FindsNothingOnAGoodMachine) { EXPECT_EQ(complaints(), ""); }

TEST_F(Doctor, ReadsVersionsOfEngines) {
  Findings findings = examine(machine());
  const auto found = std::find_if(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.what.starts_with("podman 5.4.2, /usr/bin/podman: by hooks.d");
  });
  EXPECT_NE(found, findings.end());
  remove("/usr/bin/podman");
  EXPECT_HAS(complaints(), "warn engines: no engine is here");
  EXPECT_EQ(complaints().find("hook-files"), std::string::npos) << "nobody reads them";
  put("/usr/sbin/dockerd", "engine", 0755);
  EXPECT_EQ(complaints().find("no engine"), std::string::npos);
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
      "30 28 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
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

TEST_F(Doctor, MissingNamespacesAreNamed) {
  Machine machine = this->machine();
  machine.kernel.namespaces = {"mnt", "pid", "net", "ipc", "uts"};
  EXPECT_HAS(complaints(machine),
             "fail namespaces: this kernel has no namespaces of kind cgroup, user");
}

TEST_F(Doctor, UserNamespacesThatAreSwitchedOffKeepPlainUsersOut) {
  for (const char* file :
       {"/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/unprivileged_userns_clone"}) {
    put(file, "0\n");
    EXPECT_HAS(complaints(machine(false)), std::string("fail namespaces: ") + file + " is 0");
    EXPECT_HAS(complaints(), std::string("warn namespaces: ") + file + " is 0");
    put(file, "62000\n");
    EXPECT_EQ("", complaints());
  }
}

TEST_F(Doctor, CgroupsAreOfOneVersion) {
  const std::string second = "30 20 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
  const std::string first = "31 20 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
  put("/proc/self/mountinfo", first + second);
  EXPECT_HAS(complaints(), "warn cgroups: versions 1 and 2 side by side");
  put("/proc/self/mountinfo", first);
  EXPECT_EQ("", complaints());
  EXPECT_HAS(complaints(machine(false)), "warn cgroups: version 1");
  put("/proc/self/mountinfo", "");
  EXPECT_HAS(complaints(), "warn cgroups: none are mounted");
}

TEST_F(Doctor, SecurityModulesAreNamed) {
  EXPECT_HAS(everything(machine()), "security-modules: neither SELinux");
  put("/sys/module/apparmor/parameters/enabled", "Y\n");
  EXPECT_HAS(everything(machine()), "security-modules: AppArmor is on");
  put("/sys/fs/selinux/enforce", "0");
  EXPECT_EQ("", complaints());
  put("/sys/fs/selinux/enforce", "1");
  EXPECT_HAS(complaints(), "warn security-modules: SELinux is enforcing");
}

TEST_F(Doctor, FuseNeedsItsDevice) {
  put("/usr/bin/fuse-overlayfs", "program", 0755);
  EXPECT_HAS(complaints(), "warn fuse: /usr/bin/fuse-overlayfs is here, but no /dev/fuse");
  put("/dev/fuse", "", 0600);
  EXPECT_EQ("", complaints());
  EXPECT_HAS(complaints(machine(false)), "warn fuse: /dev/fuse is not for everybody");
}

TEST_F(Doctor, KernelWithoutOverlayIsAFailure) {
  Machine machine = this->machine();
  machine.kernel.overlay_failure = "fsopen: No such device";
  EXPECT_HAS(complaints(machine), "warn kernel-overlay: no overlay") << "another way serves";
  answer_.way.reset();
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

TEST_F(Doctor, ANodesInstallationHasFewerPrograms) {
  for (const char* name : {"precreate", "prestart", "fuse", "nri"}) {
    remove(std::string(kPrograms) + "/oci-cnb-" + name);
  }
  EXPECT_HAS(complaints(), "oci-cnb-nri is missing");
  put(std::string(kPrograms) + "/base-spec.json", "{}");
  EXPECT_EQ(complaints().find("fail programs"), std::string::npos) << complaints();
  remove(std::string(kPrograms) + "/oci-cnb-guard");
  EXPECT_HAS(complaints(), "oci-cnb-guard is missing");
}

TEST_F(Doctor, WhatThePackageBroughtIsCompared) {
  const std::string poststop = std::string(kPrograms) + "/oci-cnb-poststop";
  const std::string mount = std::string(kPrograms) + "/oci-cnb-createruntime";
  Machine packaged = machine();
  packaged.run = [&](const std::string& program, const std::vector<std::string>& arguments) {
    if (!program.ends_with("/md5sum") && !program.ends_with("/sha256sum")) {
      return std::optional<std::string>(program.ends_with("/rpm")
                                            ? "11  " + mount + "\n22  " + poststop + "\n"
                                            : "x version 5.4.2\n");
    }
    std::string text;
    for (const std::string& path : arguments) {
      text += (path == root_ + mount ? "11  " : "33  ") + path + "\n";
    }
    return std::optional(text);
  };
  const std::string sums = "/var/lib/dpkg/info/oci-cnb-hooks.md5sums";
  put(sums, "11  " + mount.substr(1) + "\n33  " + poststop.substr(1) +
                "\n44  etc/oci-cnb-hooks/config.toml\n55  usr/share/doc/oci-cnb-hooks/README.md\n");
  EXPECT_EQ("", complaints(packaged));
  EXPECT_HAS(everything(packaged), "are what the package brought");
  put(sums,
      "11  " + mount.substr(1) + "\n22  " + poststop.substr(1) + "\n66  usr/bin/oci-cnb-runtime\n");
  EXPECT_HAS(complaints(packaged),
             "fail programs: " + poststop + " is not what the package brought");
  EXPECT_HAS(complaints(packaged), "fail programs: /usr/bin/oci-cnb-runtime is not what");
  put(sums, "11  opt/elsewhere/oci-cnb-createruntime\n");
  EXPECT_EQ("", complaints(packaged)) << "another installation";
  remove(sums);
  put("/usr/bin/rpm", "", 0755);
  EXPECT_HAS(complaints(packaged),
             "fail programs: " + poststop + " is not what the package brought");
}

TEST_F(Doctor, AnEngineThatIsTooOldIsAWarning) {
  version_ = "4.2.9";
  EXPECT_HAS(complaints(), "warn engines: podman 4.2.9, /usr/bin/podman");
  version_ = "4.10";
  EXPECT_EQ("", complaints());
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

TEST_F(Doctor, WhatPodmanDoesNotCallIsMendedByACommandOfWhoAsks) {
  remove(kDropIn);
  const auto mend = [](const Machine& asked) {
    for (const Finding& finding : examine(asked)) {
      if (finding.check == "hook-files" && finding.status == Status::kFailure) return finding.mend;
    }
    return std::string();
  };
  Machine asked = machine();
  EXPECT_EQ("oci-cnb install podman", mend(asked));
  EXPECT_EQ("oci-cnb install podman --user", mend(machine(false)));
  asked.environment["CONTAINERS_CONF"] = "/dev/null";
  EXPECT_EQ(0U, mend(asked).find("unset CONTAINERS_CONF, or add the directory of "));
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

TEST_F(Doctor, SettingsBehindALinkAreThoseOfTheRoot) {
  put("/srv/machine/config.toml", "\nscratchdir = \"/x\"\n");
  std::filesystem::create_directories(root_ + "/etc/oci-cnb-hooks");
  ASSERT_EQ(
      ::symlink("/srv/machine/config.toml", (root_ + "/etc/oci-cnb-hooks/config.toml").c_str()), 0);
  EXPECT_HAS(complaints(), "config.toml:2");
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

TEST_F(Doctor, ScratchIsJudgedByTheWayThatServesThere) {
  answer_.way = Way::kFuse;
  answer_.refusals = {{Way::kOverlay, "lies on nfs", "put it elsewhere"}};
  EXPECT_HAS(complaints(),
             "warn scratch: /var/lib/oci-cnb-hooks (not made yet): workspaces are "
             "made by fuse-overlayfs");
  answer_.way.reset();
  EXPECT_HAS(complaints(),
             "fail scratch: /var/lib/oci-cnb-hooks (not made yet): overlay: lies on nfs");
  answer_.problem = "mkdirat: Read-only file system";
  EXPECT_HAS(complaints(), "fail scratch: /var/lib/oci-cnb-hooks (not made yet): mkdirat");
}

TEST_F(Doctor, RootlessNeedsSubordinateIdsAndTheirPrograms) {
  Machine rootless = machine(false);
  const std::string uid = std::to_string(::geteuid());
  put("/etc/passwd", "ann:x:" + uid + ":1::/home/ann:/bin/sh\n");
  std::string text = complaints(rootless);
  EXPECT_HAS(text, "/etc/subuid gives ann 0 ids");
  EXPECT_HAS(text, "newuidmap is not installed");
  put("/usr/bin/newuidmap", "", 0755);
  put("/usr/bin/newgidmap", "", 04755);
  EXPECT_HAS(complaints(rootless), "fail rootless-ids: /usr/bin/newuidmap is neither set-uid");
  put("/usr/bin/newuidmap", "", 04755);
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

}  // namespace
}  // namespace hookcore::doctor
