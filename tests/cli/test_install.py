"""`oci-cnb install` and `uninstall`: what they say is what they do, and nothing of it is left."""

import os
import pathlib
import shutil
import subprocess

import pytest

ENGINES = ("podman", "containerd", "crio", "docker")
RUNTIME = "io.containerd.grpc.v1.cri"
# Settings of an administrator, in every file that is about to change.
FILES = {
    "etc/containers/containers.conf": '[engine]\nhooks_dir = ["/srv/hooks"]  # ours\n',
    "etc/containerd/config.toml": f'version = 2\n[plugins."{RUNTIME}"]\nsandbox_image = "x"  # no end',
    "etc/crio/crio.conf.d/10-them.conf": '[crio.runtime]\nlog_level = "debug"\n',
    "etc/docker/daemon.json": '{\n  "debug": true,\n  "big": 12345678901234567890123\n}\n',
    "usr/bin/crun": "",
}


@pytest.fixture
def machine(installed, tmp_path):
    """A machine in a directory, with the programs at the path that they have here."""
    root = tmp_path / "machine"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    shutil.copytree(installed, root / str(installed).lstrip("/"))
    return root


def files(root):
    """{path: contents, or None for a directory} of all but the programs."""
    return {path.relative_to(root): path.read_bytes() if path.is_file() else None
            for top in ("etc", "opt") for path in (root / top).rglob("*")}


def call(cnb, *words):
    """words, the machine's directory and options."""
    at = next(index for index, word in enumerate(words) if isinstance(word, pathlib.Path))
    result = cnb.run(*words[:at], "--root", *words[at:])
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("engine", ENGINES)
def test_comes_and_goes(cnb, machine, engine):
    before = files(machine)
    call(cnb, "install", engine, machine)
    after = files(machine)
    assert after != before
    assert call(cnb, "install", engine, machine).startswith("nothing to do\n")
    assert files(machine) == after
    assert call(cnb, "install", engine, machine, "--dry-run") == "nothing to do\n"
    call(cnb, "uninstall", engine, machine)
    assert files(machine) == before
    assert call(cnb, "uninstall", engine, machine) == "nothing to do\n"
    assert call(cnb, "uninstall", engine, machine, "--dry-run") == "nothing to do\n"


# What an administrator's file may be like.
SHAPES = {
    "empty": "",
    "a line break": "\n",
    "no end": '{"debug": true}',
    "of Windows": '{\r\n  "debug": true\r\n}\r\n',
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("link", [False, True], ids=["file", "link"])
def test_what_is_special_of_a_file_stays(cnb, machine, shape, link):
    path = real = machine / "etc/docker/daemon.json"
    if link:
        real = machine / "srv/docker.json"
        real.parent.mkdir()
        path.unlink()
        path.symlink_to("/srv/docker.json")
    real.write_bytes(SHAPES[shape].encode())
    real.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(real, 12, 34)
    owner = real.stat().st_uid, real.stat().st_gid
    for word in ("install", "install", "uninstall"):
        call(cnb, word, "docker", machine)
        assert path.is_symlink() == link
        assert (real.stat().st_mode & 0o7777, real.stat().st_uid, real.stat().st_gid) == (0o640, *owner)
        assert (b"oci-cnb-runtime" in real.read_bytes()) == (word == "install")
    assert real.read_bytes() == SHAPES[shape].encode()


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_of_a_machine_without_settings_is_left(cnb, machine, engine):
    shutil.rmtree(machine / "etc")
    (machine / "etc").mkdir()
    call(cnb, "install", engine, machine)
    assert files(machine) != {}
    call(cnb, "uninstall", engine, machine)
    assert list((machine / "etc").iterdir()) == []


def test_an_empty_file_of_containerd_stays(cnb, machine):
    path = machine / "etc/containerd/config.toml"
    path.write_text("")
    for word in ("install", "uninstall"):
        call(cnb, word, "containerd", machine)
    assert path.read_text() == ""


@pytest.mark.parametrize("engine, name", [
    ("podman", "etc/containers/containers.conf.d/99-oci-cnb-hooks.conf"),
    ("crio", "etc/crio/crio.conf.d/50-oci-cnb-hooks.conf"),
])
def test_a_file_of_somebody_else_stays(cnb, machine, engine, name):
    (machine / name).parent.mkdir(exist_ok=True)
    (machine / name).write_text("")
    before = files(machine)
    result = cnb.run("install", engine, "--root", machine)
    assert result.returncode == 3 and "a file of this name isn't ours" in result.stderr
    call(cnb, "uninstall", engine, machine)
    assert files(machine) == before


def test_all_of_them_on_one_machine(cnb, machine):
    before = files(machine)
    for engine in ENGINES:
        call(cnb, "install", engine, machine)
    for engine in ENGINES:
        assert call(cnb, "install", engine, machine, "--dry-run") == "nothing to do\n"
    for engine in ENGINES:
        call(cnb, "uninstall", engine, machine)
    assert files(machine) == before


def patched(root, text, tmp_path):
    """A copy of the machine's settings after patch(1) has taken the diff."""
    copy = tmp_path / "patched"
    shutil.copytree(root / "etc", copy / "etc")
    # What isn't a diff names programs; patch passes over it, unless there is nothing else.
    done = subprocess.run(["patch", "-p1", "-d", copy, "--no-backup-if-mismatch"], input=text,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = files(copy)
    shutil.rmtree(copy)
    return found


def settings(root):
    """The files alone: a diff tells no empty directories."""
    return {path: text for path, text in files(root).items()
            if text is not None and path.parts[0] == "etc"}


def test_an_upgrade_is_told(cnb, machine, installed, tmp_path):
    """And that it is no affair of the engine."""
    programs = shutil.copytree(installed, tmp_path / "programs")
    call(cnb, "node", "install", machine, "--programs", str(programs))
    with open(programs / "oci-cnb-guard", "ab") as file:
        file.write(b"x")
    told = call(cnb, "node", "install", machine, "--programs", str(programs))
    assert told.startswith("installed ") and "restart" not in told
    (machine / "etc/containerd/config.toml").write_text("version = 2\n")
    assert call(cnb, "node", "uninstall", machine) == "uninstalled\n"
    assert not (machine / "opt/oci-cnb-hooks").exists()


def directories(root):
    return {path for path, text in files(root).items() if text is None}


WAYS = [*((engine,) for engine in ENGINES), ("node", "containerd"), ("node", "crio")]


def words_of(way, word):
    if way[0] != "node":
        return (word, *way)
    return ("node", word, "--engine", way[1]) if word == "install" else ("node", word)


@pytest.mark.build_machine
@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize("bare", [False, True], ids=["over settings", "over nothing"])
def test_dry_run_is_the_exact_diff(cnb, machine, tmp_path, way, bare):
    """Both ways: patch(1) makes of it just what the command does, and what goes besides is named."""
    if bare:
        shutil.rmtree(machine / "etc")
        (machine / "etc").mkdir()
    for word in ("install", "uninstall"):
        before, folders = files(machine), directories(machine)
        told = call(cnb, *words_of(way, word), machine, "--dry-run")
        assert files(machine) == before
        expected = {path: text for path, text in patched(machine, told, tmp_path).items()
                    if text is not None}
        call(cnb, *words_of(way, word), machine)
        assert settings(machine) == expected
        gone = {pathlib.Path(line.removeprefix("remove /")) for line in told.splitlines()
                if line.startswith("remove ")}
        vanished = folders - directories(machine)
        assert gone <= vanished
        assert all(path in gone or gone & {*path.parents} for path in vanished)


@pytest.mark.parametrize("words, part", [
    (("install", "docker", "--user"), "only podman"),
    (("install", "lxc"), "use one of podman, containerd, crio, docker"),
    (("install",), "required"),
])
def test_wrong_usage(cnb, words, part):
    result = cnb.run(*words)
    assert result.returncode == 2 and part in result.stderr


def test_a_runtime_of_somebody_else_stays(cnb, machine):
    path = machine / "etc/docker/daemon.json"
    path.write_text('{"runtimes": {"cnb": {"path": "/usr/bin/other"}}}')
    before = files(machine)
    result = cnb.run("install", "docker", "--root", machine)
    assert result.returncode == 3 and "isn't ours" in result.stderr
    assert files(machine) == before


def test_a_program_that_is_not_there_is_not_named(cnb, machine, installed):
    """An engine would run the container without the hook, and say nothing."""
    (machine / str(installed).lstrip("/") / "oci-cnb-createruntime").unlink()
    result = cnb.run("install", "podman", "--root", machine)
    assert result.returncode == 2 and "there is no such program" in result.stderr


def test_uninstalls_without_its_programs(cnb, machine, installed, tmp_path):
    """They may be gone by then."""
    before = files(machine)
    for engine in ENGINES:
        call(cnb, "install", engine, machine)
    alone = tmp_path / "alone"
    alone.mkdir()
    program = shutil.copy(installed / "oci-cnb", alone)
    for engine in ENGINES:
        subprocess.run([program, "uninstall", engine, "--root", machine], check=True, capture_output=True)
    assert files(machine) == before


@pytest.mark.rootless
def test_a_users_own(cnb):
    """Below ~/.config, where it was not before."""
    base = pathlib.Path(os.path.expanduser("~")) / ".config"
    before = sorted(base.rglob("*")), base.exists()
    result = cnb.run("install", "podman", "--user")
    assert result.returncode == 0, result.stderr
    assert (base / "containers/containers.conf.d/99-oci-cnb-hooks.conf").exists()
    assert cnb.run("uninstall", "podman", "--user").returncode == 0
    assert (sorted(base.rglob("*")), base.exists()) == before
