"""The .rpm and the tarball: installed, used, upgraded and taken off, with podman as it is."""

import pathlib
import shutil

import machine
import pytest
from conftest import BUILD
from machine import CONFIG, DROP_IN, OURS, PROGRAMS, SHARED, must, run
from test_life import INSIDE, MADE, SERVICE, tree

LOCAL = pathlib.Path("/usr/local")


def newest(pattern):
    found = sorted(BUILD.glob(pattern), key=lambda path: path.stat().st_mtime)
    assert found, f"no {pattern} in {BUILD}: run cpack there"
    return found[-1]


def works(person, source):
    outcome = person.podman_run(source, INSIDE)
    assert outcome.status == 0, outcome
    assert outcome.stdout.splitlines()[:2] == ["/workspace", "api=0.12"]
    assert set(outcome.stdout.splitlines()[2:]) == {".dockerignore", "main.c", "no-secret"}
    assert not (source / "new").exists()


def start_service(person, source, name):
    outcome = person.podman_run(source, SERVICE, options=["--detach", "--name", name])
    assert outcome.status == 0, outcome


def service_goes_on(person, name):
    seen = person.must("podman", "exec", name, "sh", "-c", MADE + "; test -e secret || echo ok")
    assert seen.stdout.split() == ["one", "ok"]
    person.must("podman", "rm", "--force", "--time", "0", name)


def files_since(before):
    """Scratch, and directories that other packages share, may stay."""
    return {path for path in tree() - before
            if pathlib.Path(path).is_file() and not path.startswith("/var/lib/oci-cnb-hooks")}


# --- the .rpm -------------------------------------------------------------------------------------


class Rpm:
    """rpm as on a machine of its own: Debian's has no data base, and would rather use dpkg."""

    def __init__(self, room):
        self.words = ["rpm", "--force-debian", "--nodeps", "--dbpath", room / "rpmdb"]

    def __call__(self, *words):
        return must([*self.words, *words])

    def has(self, name):
        return run([*self.words, "-q", name]).status == 0


@pytest.fixture(scope="session")
def newer_rpm(room):
    """The same files in a later version."""
    out = room / "newer-rpm"
    must(["cpack", "-G", "RPM", "-R", "99.0", "-B", out], cwd=BUILD)
    (package,) = out.glob("*.rpm")
    return package


@pytest.fixture
def rpm(clean, room):
    rpm = Rpm(room)
    yield rpm
    if rpm.has("oci-cnb-hooks"):
        rpm("--erase", "oci-cnb-hooks")
    shutil.rmtree("/etc/oci-cnb-hooks", ignore_errors=True)


@pytest.mark.build_machine
def test_rpm_life(rpm, newer_rpm, person, make_source):
    person.image()
    source = make_source(person)
    before = tree()
    rpm("--install", newest("*.rpm"))
    works(person, source)

    CONFIG.write_text(CONFIG.read_text() + "# mine\n")
    start_service(person, source, "rpm-upgraded")
    rpm("--upgrade", newer_rpm)
    assert CONFIG.read_text().endswith("# mine\n")
    service_goes_on(person, "rpm-upgraded")
    works(person, source)

    rpm("--erase", "oci-cnb-hooks")
    assert files_since(before) == {f"{CONFIG}.rpmsave"}
    outcome = person.podman_run(source, "echo RAN; ls -A /workspace")
    assert "RAN" in outcome.stdout and "secret" in outcome.stdout, outcome


@pytest.mark.build_machine
def test_rpm_calls_go_before_programs(rpm, room):
    """preun runs while the programs are there; it is run with a program that looks."""
    rpm("--install", newest("*.rpm"))
    seen = room / "rpm-seen"
    program = pathlib.Path("/usr/bin/oci-cnb")
    program.write_text(f"#!/bin/sh\nls {SHARED} {OURS} > {seen} 2>&1\nls {PROGRAMS} >> {seen}\n")
    rpm("--erase", "oci-cnb-hooks")
    text = seen.read_text()
    assert ".json" not in text and "oci-cnb-createruntime" in text
    assert not DROP_IN.exists()


@pytest.mark.build_machine
def test_rpm_contents(unpacked):
    """The same files as in the .deb, but for what is Debian's."""
    package = newest("*.rpm")
    listing = must(["rpm", "-qp", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\n]", package]).stdout
    files = {path for mode, path in map(str.split, listing.splitlines()) if mode[0] != "d"}
    in_deb = {"/" + str(path.relative_to(unpacked)) for path in unpacked.rglob("*")
              if path.is_file() and "DEBIAN" not in path.parts}
    assert in_deb - files == {
        "/usr/share/doc/oci-cnb-hooks/changelog.Debian.gz",
        "/usr/share/doc/oci-cnb-hooks/changelog.gz",
        "/usr/share/lintian/overrides/oci-cnb-hooks",
        "/usr/share/zsh/vendor-completions/_oci-cnb"}
    assert files - in_deb == {"/usr/share/doc/oci-cnb-hooks/CHANGELOG.md", "/usr/share/zsh/site-functions/_oci-cnb"}
    required = must(["rpm", "-qp", "--requires", package]).stdout.splitlines()
    assert [line for line in required if not line.startswith("rpmlib(")] == ["/bin/sh"]
    marked = set(must(["rpm", "-qp", "--configfiles", package]).stdout.split())
    assert marked == {str(CONFIG), str(DROP_IN)}


# --- the tarball ----------------------------------------------------------------------------------


@pytest.fixture
def tarball(clean, room):
    packed = newest("oci-cnb-hooks-*-linux-*.tar.gz")
    target = room / "tarball"
    target.mkdir(exist_ok=True)
    must(["tar", "-xzf", packed, "-C", target, "--no-same-owner"])
    yield target / packed.name.removesuffix(".tar.gz")
    if (LOCAL / "share/oci-cnb-hooks/uninstall").exists():
        must([LOCAL / "share/oci-cnb-hooks/uninstall"])
    shutil.rmtree("/etc/oci-cnb-hooks", ignore_errors=True)


def test_tarball_life(tarball, person, make_source):
    person.image()
    source = make_source(person)
    before = tree()
    told = must([tarball / "install"]).stdout
    assert "oci-cnb doctor" in told
    checked = person.run(LOCAL / "bin/oci-cnb", "doctor")
    assert checked.status == 0, checked
    works(person, source)

    CONFIG.write_text(CONFIG.read_text() + "# mine\n")
    start_service(person, source, "tarball-upgraded")
    must([tarball / "install"])
    assert CONFIG.read_text().endswith("# mine\n")
    service_goes_on(person, "tarball-upgraded")
    works(person, source)

    told = must([LOCAL / "share/oci-cnb-hooks/uninstall"]).stdout
    assert f"kept: {CONFIG}" in told
    assert files_since(before) == {str(CONFIG)}
    outcome = person.podman_run(source, "echo RAN; ls -A /workspace")
    assert "RAN" in outcome.stdout and "secret" in outcome.stdout, outcome


def test_tarball_takes_unedited_configuration_off(tarball):
    must([tarball / "install"])
    must([tarball / "uninstall"])
    assert not CONFIG.exists() and not DROP_IN.exists()


def test_tarball_into_another_file_system(tarball, room):
    root = room / "another"
    root.mkdir()
    must([tarball / "install", "--root", root])
    assert (root / "usr/local/bin/oci-cnb").stat().st_mode & 0o111
    assert not (LOCAL / "bin/oci-cnb").exists() and not CONFIG.exists()
    for path in root.rglob("*.json"):
        assert str(root) not in path.read_text()
    must([root / "usr/local/share/oci-cnb-hooks/uninstall", "--root", root])
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_tarball_calls_come_last_and_go_first(tarball, room):
    """Both scripts are stopped half-way by something that stands in a program's way."""
    root = room / "half"
    libexec = root / "usr/local/libexec"
    libexec.mkdir(parents=True)
    (libexec / "oci-cnb-hooks").touch()
    assert run([tarball / "install", "--root", root]).status != 0
    assert not list(root.rglob("*.json")), "an engine would call a program that isn't there"

    (libexec / "oci-cnb-hooks").unlink()
    must([tarball / "install", "--root", root])
    program = libexec / "oci-cnb-hooks/oci-cnb-createruntime"
    program.unlink()
    (program / "in the way").mkdir(parents=True)
    assert run([tarball / "uninstall", "--root", root]).status != 0
    assert not list(root.rglob("90-*.json"))


@pytest.mark.parametrize("words", [["--rot", "/x"], ["--root"], ["--root", "/no/such"]])
def test_tarball_usage(tarball, words):
    outcome = run([tarball / "install", *words])
    assert outcome.status != 0
    assert "usage: ./install [--root DIR]" in outcome.stderr or "not a directory" in outcome.stderr
    assert not (LOCAL / "bin/oci-cnb").exists()


def test_tarball_wants_root(tarball, user):
    outcome = user.run(tarball / "install")
    assert outcome.status == 1 and "sudo" in outcome.stderr
