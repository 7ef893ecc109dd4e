"""Install, use, upgrade, remove, purge: with podman as it is, as root and as a user."""

import os
import pathlib

import machine
import pytest
from machine import CONFIG, DROP_IN, NETWORK, OURS, PROGRAMS, SHARED, dpkg

# Writes, says so by a file that is whole when it is there, and stays.
SERVICE = "echo one > made.new; mv made.new made; while :; do sleep 1; done"
# `podman exec` begins in the image's working directory, not in /workspace.
MADE = "cd /workspace; until test -e made; do sleep 0.1; done; cat made"
INSIDE = "pwd; echo api=$CNB_PLATFORM_API; ls -A; test -e secret || echo no-secret; echo x > new"


def tree():
    """Every path that a package could leave behind."""
    roots = ("/etc", "/usr", "/var/lib", "/opt")
    passing = ("/var/lib/dpkg", "/var/lib/containers", "/var/lib/cnblab", "/etc/cni")
    found = set()
    for top in roots:
        for directory, names, files in os.walk(top):
            names[:] = [name for name in names if f"{directory}/{name}" not in passing]
            if "__pycache__" not in directory:
                found |= {f"{directory}/{name}" for name in (*names, *files)}
    return {path for path in found if "__pycache__" not in path}


def test_container_that_opts_in(installed, person, make_source):
    source = make_source(person)
    outcome = person.podman_run(source, INSIDE)
    assert outcome.status == 0, outcome
    assert outcome.stdout.splitlines()[:2] == ["/workspace", "api=0.12"]
    assert set(outcome.stdout.splitlines()[2:]) == {".dockerignore", "main.c", "no-secret"}
    assert not (source / "new").exists()
    assert os.listdir(person.scratch / "sessions") == []


def test_a_node_gets_the_packages_programs(installed, tmp_path):
    """`oci-cnb node install` finds them by itself, although hooks and command lie apart."""
    machine.must(["oci-cnb", "node", "install", "--root", tmp_path])
    current = tmp_path / "opt/oci-cnb-hooks" / os.readlink(tmp_path / "opt/oci-cnb-hooks/current")
    assert (current / "oci-cnb").read_bytes() == pathlib.Path("/usr/bin/oci-cnb").read_bytes()
    for name in ("oci-cnb-createruntime", "oci-cnb-guard", "oci-cnb-poststop"):
        assert (current / name).read_bytes() == (PROGRAMS / name).read_bytes()
    machine.must(["oci-cnb", "node", "uninstall", "--root", tmp_path])


def test_misspelt_annotation_is_refused(installed, person, make_source):
    outcome = person.podman_run(make_source(person), "echo RAN", ["io.cnb.hooks.rol=dev"])
    assert outcome.status != 0 and "RAN" not in outcome.stdout
    log = person.must("oci-cnb", "session", "log").stdout
    assert 'did you mean "io.cnb.hooks.role"?' in log


def test_container_that_does_not_opt_in(installed, person, make_source):
    source = make_source(person)
    script = "pwd; ls -A /workspace; grep ' /workspace ' /proc/self/mountinfo; env"
    with_package = person.podman_run(source, script, [])
    assert with_package.status == 0, with_package
    dpkg("--purge", "oci-cnb-hooks")
    without = person.podman_run(source, script, [])

    def comparable(outcome):
        lines = [line.split(" - ")[-1] for line in outcome.stdout.splitlines()]
        return [line for line in lines if not line.startswith("HOSTNAME=")]

    assert comparable(with_package) == comparable(without)
    assert "secret" in with_package.stdout


BUILDS = {
    "buildah run": lambda context: ["sh", "-c", f"c=$(buildah from {machine.IMAGE}) && "
                                    "buildah run --network none $c echo BU'I'LT; s=$?; "
                                    "buildah rm $c >/dev/null; exit $s"],
    "buildah bud": lambda context: ["buildah", "bud", *NETWORK, "--no-cache", "--isolation", "oci",
                                    context],
    "podman build": lambda context: ["podman", "build", *NETWORK, "--no-cache", "--isolation", "oci",
                                     context],
}


@pytest.fixture
def context(room, root):
    root.image()
    path = room / "context"
    path.mkdir(exist_ok=True)
    (path / "Containerfile").write_text(f"FROM {machine.IMAGE}\nRUN echo BU'I'LT\n")
    return path


@pytest.mark.parametrize("build", BUILDS)
def test_builds_are_untouched(installed, root, context, build):
    outcome = root.run(*BUILDS[build](context))
    assert outcome.status == 0 and "BUILT" in outcome.stdout, outcome


@pytest.mark.parametrize("build", BUILDS)
def test_builds_would_break_with_precreate_in_the_shared_directory(installed, root, context, build):
    """The reason for a directory of podman's own; without it the test above proves nothing."""
    stray = SHARED / "90-oci-cnb-precreate.json"
    (OURS / stray.name).rename(stray)
    try:
        outcome = root.run(*BUILDS[build](context))
    finally:
        stray.unlink()
    assert outcome.status != 0 and "BUILT" not in outcome.stdout, outcome


def test_upgrade_while_a_container_runs(installed, newer_deb, person, make_source):
    source = make_source(person)
    CONFIG.write_text(CONFIG.read_text() + 'platform-api = "0.10"\n')
    options = ["--detach", "--name", "upgraded"]
    started = person.podman_run(source, SERVICE, options=options)
    assert started.status == 0, started

    dpkg("--force-confold", "--install", newer_deb)
    assert 'platform-api = "0.10"' in CONFIG.read_text(), "an edited conffile was replaced"
    seen = person.must("podman", "exec", "upgraded", "sh", "-c", MADE + "; test -e secret || echo ok")
    assert seen.stdout.split() == ["one", "ok"]

    person.must("podman", "stop", "--time", "0", "upgraded")
    person.must("podman", "start", "upgraded")
    seen = person.must("podman", "exec", "upgraded", "cat", "/workspace/made")
    assert seen.stdout == "one\n", "the upper was lost"
    person.must("podman", "rm", "--force", "--time", "0", "upgraded")
    assert person.podman_run(source, "echo $CNB_PLATFORM_API").stdout == "0.10\n"
    assert os.listdir(person.scratch / "sessions") == []
    assert not (source / "made").exists()


def test_remove_takes_calls_and_programs_and_keeps_configuration(installed, deb, person, make_source):
    source = make_source(person)
    CONFIG.write_text(CONFIG.read_text() + "# mine\n")
    dpkg("--remove", "oci-cnb-hooks")
    assert not PROGRAMS.exists() and not OURS.exists()
    assert not list(SHARED.glob("*oci-cnb*"))
    assert DROP_IN.exists(), "a conffile stays until the purge"
    # podman is still told of a directory that is gone now, and doesn't mind.
    for annotations in ([], ["io.cnb.hooks.role=dev"]):
        outcome = person.podman_run(source, "ls -A /workspace", annotations)
        assert outcome.status == 0 and "secret" in outcome.stdout, outcome

    dpkg("--install", deb)
    assert CONFIG.read_text().endswith("# mine\n")
    assert "no-secret" in person.podman_run(source, INSIDE).stdout


def test_no_call_without_its_program_at_any_moment(installed, room):
    """On removal the JSON files go first: dpkg's prerm is run with a program that looks."""
    seen = room / "seen"
    # `session gc` is prerm's last step: by then nothing may call the hooks any more.
    program = pathlib.Path("/usr/bin/oci-cnb")
    program.unlink()
    program.write_text(f"#!/bin/sh\nls {SHARED} {OURS} > {seen} 2>&1\nls {PROGRAMS} >> {seen}\n")
    program.chmod(0o755)
    programs = os.listdir(PROGRAMS)
    dpkg("--remove", "oci-cnb-hooks")
    lines = seen.read_text().splitlines()
    assert not [line for line in lines if ".json" in line], lines
    assert programs and set(programs) <= set(lines), lines


def test_purge_leaves_nothing(clean, deb, root, user, make_source):
    for person in (root, user):
        person.image()
    before = tree()
    dpkg("--install", deb)
    sources = {person.name: make_source(person) for person in (root, user)}
    for person in (root, user):
        assert person.podman_run(sources[person.name], "echo x > new").status == 0
    dpkg("--purge", "oci-cnb-hooks")
    # In the lab scratch is a mount, which can only be emptied.
    assert sorted(tree() - before) == []
    assert not root.scratch.exists() or os.listdir(root.scratch) == []
    for person in (root, user):
        outcome = person.podman_run(sources[person.name], "echo RAN")
        assert outcome.stdout == "RAN\n", outcome


def test_purge_spares_a_running_container(installed, root, make_source):
    source = make_source(root)
    options = ["--detach", "--name", "survivor"]
    assert root.podman_run(source, SERVICE, options=options).status == 0
    dpkg("--purge", "oci-cnb-hooks")
    seen = root.must("podman", "exec", "survivor", "sh", "-c", MADE + "; echo two > more; cat more")
    assert seen.stdout.split() == ["one", "two"]
    assert os.listdir(root.scratch / "sessions") != []
    root.must("podman", "rm", "--force", "--time", "0", "survivor")
    assert not (source / "made").exists()
    machine.must(["find", root.scratch, "-mindepth", "1", "-delete"])
