"""oci-cnb doctor on a real machine: all is well after installing, and each break is found."""

import json
import os
import pathlib

import pytest
from machine import CONFIG, DROP_IN, OURS, PROGRAMS, SHARED, edit, findings, must


def test_all_is_well_after_installing(installed, person):
    assert findings(person, 0) == []
    text = person.run("oci-cnb", "doctor")
    assert text.status == 0
    assert "\033" not in text.stdout, "colours are for terminals"
    assert text.stdout.endswith(" failures\n")
    for engine in ("podman", "buildah", "crun", "runc"):
        version = person.must(engine, "--version").stdout.splitlines()[0]
        (line,) = [line for line in text.stdout.splitlines() if f"engines: {engine} " in line]
        assert line.split()[3].rstrip(",") in version.replace("+", " ").split() + version.split()


def foreign_drop_in(text):
    return lambda: (DROP_IN.parent / "99-other.conf").write_text(text)


# What is broken, and the words that must stand in the finding.
BREAKS = {
    "program gone": ((PROGRAMS / "oci-cnb-createruntime").unlink, "oci-cnb-createruntime"),
    "program not executable": (lambda: (PROGRAMS / "oci-cnb-poststop").chmod(0o644), "executable"),
    "program writable by others": (lambda: (PROGRAMS / "oci-cnb-precreate").chmod(0o757), "0757"),
    "program of somebody else": (lambda: os.chown(PROGRAMS / "oci-cnb-precreate", 12345, 0), "12345"),
    "helper gone": ((PROGRAMS / "oci-cnb-fuse").unlink, "oci-cnb-fuse is missing"),
    "program tampered with": (
        lambda: (PROGRAMS / "oci-cnb-guard").write_bytes((PROGRAMS / "oci-cnb-prestart").read_bytes()),
        "oci-cnb-guard is not what the package brought"),
    "runtime gone": (pathlib.Path("/usr/bin/oci-cnb-runtime").unlink, "oci-cnb-runtime is not what"),
    "hook file edited": (
        lambda: edit(SHARED / "90-oci-cnb-poststop.json", "120", "1"), "90-oci-cnb-poststop.json is not what"),
    "scratch is a file": (lambda: CONFIG.write_text('scratch-dir = "/etc/hostname"\n'), "/etc/hostname"),
    "scratch inside of nothing that is ours": (
        lambda: CONFIG.write_text('scratch-dir = "/sys/fs/none"\n'), "/sys/fs/none"),
    "only way doesn't serve": (
        lambda: CONFIG.write_text('scratch-dir = "/dev/shm/full"\nway = "reflink"\n'), "reflink: a file can't share"),
    "directory writable by others": (lambda: PROGRAMS.chmod(0o777), "0777"),
    "hook file gone": ((SHARED / "90-oci-cnb-createruntime.json").unlink, "createRuntime"),
    "precreate not read": (DROP_IN.unlink, "precreate"),
    "precreate hidden by a later file": (
        foreign_drop_in('[engine]\nhooks_dir = ["/usr/share/containers/oci/hooks.d"]\n'),
        "99-other.conf"),
    "podman's configuration broken": (foreign_drop_in("[engine\n"), "99-other.conf:1"),
    "precreate shared": (
        lambda: (OURS / "90-oci-cnb-precreate.json").rename(SHARED / "90-oci-cnb-precreate.json"),
        "directory that others share"),
    "hook file broken": (lambda: (SHARED / "zz.json").write_text("{"), "zz.json"),
    "hook without environment": (
        lambda: edit(OURS / "90-oci-cnb-precreate.json", '["PATH=/usr/bin:/bin"]', "[]"), "no env"),
    "hook for other annotations": (
        lambda: edit(SHARED / "90-oci-cnb-createruntime.json", "^io", "^org"), "doesn't match"),
    "configuration broken": (lambda: CONFIG.write_text("platform-ap = '1.0'\n"), "config.toml:1"),
    "configuration writable by others": (lambda: CONFIG.chmod(0o666), "0666"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_break_is_found(installed, person, name):
    act, words = BREAKS[name]
    act()
    try:
        bad = findings(person, 1)
        assert any(words in one["what"] for one in bad), bad
    finally:
        for path in (DROP_IN.parent / "99-other.conf", SHARED / "zz.json",
                     SHARED / "90-oci-cnb-precreate.json"):
            path.unlink(missing_ok=True)


def test_hooks_dir_of_the_user_counts(installed, user):
    """A containers.conf in the home directory is read last."""
    path = pathlib.Path(user.home) / ".config/containers/containers.conf"
    user.must("mkdir", "-p", path.parent)
    path.write_text('[engine]\nhooks_dir = ["/nowhere"]\n')
    try:
        bad = findings(user, 1)
        assert any(str(path) in one["what"] for one in bad), bad
    finally:
        path.unlink()


@pytest.mark.parametrize("variable", ["CONTAINERS_CONF", "CONTAINERS_CONF_OVERRIDE", "XDG_CONFIG_HOME"])
def test_variables_count_as_they_do_for_podman(installed, person, make_source, room, variable):
    """No hook is called where doctor says so, and the other way round."""
    home = room / f"config-{person.name}"
    path = home / "containers/containers.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    for directory in (home, path.parent):
        os.chown(directory, person.uid, person.gid)
    path.write_text('[engine]\nhooks_dir = ["/nowhere"]\n')
    value = home if variable == "XDG_CONFIG_HOME" else path
    source, image = make_source(person), person.image()
    with_it = ["env", f"{variable}={value}"]
    told = json.loads(person.run(*with_it, "oci-cnb", "doctor", "--json").stdout)
    ran = person.run(*with_it, "podman", "run", "--rm", "--network", "none", "--annotation",
                     "io.cnb.hooks.role=dev", "--volume", f"{source}:/workspace", image,
                     "sh", "-c", "test -e /workspace/secret && echo unfiltered")
    calls = [one for one in told["findings"] if one["check"] == "hook-files" and "calls" in one["what"]]
    assert ("unfiltered" in ran.stdout) == (not told["ok"]), (ran, told)
    assert told["ok"] == (len(calls) == 3), told


def test_foreign_hook_without_program_is_a_warning(installed, root):
    other = SHARED / "other.json"
    other.write_text(json.dumps({"version": "1.0.0", "hook": {"path": "/no/such"},
                                 "when": {"always": False}, "stages": ["poststop"]}))
    try:
        assert findings(root, 0) == []
        assert "warn hook-files" in root.run("oci-cnb", "doctor").stdout
    finally:
        other.unlink()


def test_subordinate_ids(installed, user):
    path = pathlib.Path("/etc/subuid")
    text = path.read_text()
    path.write_text("somebody:100000:65536\n")
    try:
        bad = findings(user, 1)
        assert any("/etc/subuid" in one["what"] for one in bad), bad
    finally:
        path.write_text(text)


def test_the_program_that_gives_ids_needs_its_privilege(installed, user):
    """As it loses it where a file system is copied without."""
    path = pathlib.Path("/usr/bin/newuidmap")
    copy = path.read_bytes()
    before = path.stat().st_mode
    user.must("podman", "system", "migrate")  # ends the process that holds ids for later containers
    path.unlink()
    path.write_bytes(copy)
    path.chmod(0o755)
    try:
        (bad,) = findings(user, 1)
        assert "newuidmap is neither" in bad["what"], bad
        assert "newuidmap" in user.run("podman", "unshare", "true").stderr
    finally:
        path.chmod(before)
        if not before & 0o4000:
            must(["setcap", "cap_setuid=ep", path])


def test_a_full_disk(installed, root):
    """There is room for the trial, and for nothing else."""
    place = pathlib.Path("/mnt/full")
    place.mkdir()
    must(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "full", place])
    try:
        CONFIG.write_text(f'scratch-dir = "{place}"\n')
        assert findings(root, 0) == []
        assert "warn scratch: /mnt/full: " in root.run("oci-cnb", "doctor").stdout
        (place / "large").write_bytes(bytes(1800 << 10))
        (bad,) = findings(root, 1)
        assert "0 MiB are free" in bad["what"], bad
    finally:
        must(["umount", place])
        place.rmdir()


def test_scratch_on_a_file_system_that_makes_no_upper(installed, root):
    """The kernel's cgroup file system stands for all that can't be an upper."""
    CONFIG.write_text('scratch-dir = "/proc/sys"\n')
    bad = findings(root, 1)
    assert any(one["check"] == "scratch" for one in bad), bad
