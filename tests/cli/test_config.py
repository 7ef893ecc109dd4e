"""`oci-cnb config`: what counts, where it comes from, and how it is changed."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import CHECKOUT

TEMPLATE = CHECKOUT / "packaging/config/config.toml"


@pytest.fixture
def file():
    """config.toml of whoever runs this; gone afterwards."""
    system = pathlib.Path("/etc/oci-cnb-hooks/config.toml")
    path = system if os.geteuid() == 0 else pathlib.Path.home() / ".config/oci-cnb-hooks/config.toml"
    shutil.rmtree(path.parent, ignore_errors=True)
    yield path
    shutil.rmtree(path.parent, ignore_errors=True)


def values(oci, *words):
    found = json.loads(oci.run("config", "list", "--json", *words).stdout)
    return {one["key"]: (one["value"], one["file"], one["line"]) for one in found}


def test_defaults(oci, file):
    found = values(oci)
    assert len(found) == 12
    assert found["way"] == ("auto", None, None)
    assert found["scratch-dir"] == (str(oci.store), None, None)
    assert found["cnb-dir"] == (None, None, None)
    shown = [line.split() for line in oci.run("config", "list").stdout.splitlines()]
    assert shown[0] == ["KEY", "VALUE", "FROM"]
    assert ["platform-api", "0.12", "default"] in shown and ["cnb-dir", "-", "default"] in shown
    assert found["runtime"] == (None, None, None)
    assert ["runtime", "runc,", "else", "crun", "default"] in shown
    for key in ("runtime", "cnb-dir"):
        assert oci.run("config", "get", key).stdout == "\n"


def test_set_get_unset(oci, file):
    shown = oci.run("config", "set", "log=debug", "copy-limit=2g")
    assert shown.stdout == f"changed {file}; it holds for containers that start from now on\n"
    assert file.read_text() == 'log = "debug"\ncopy-limit = "2g"\n'
    assert file.stat().st_mode & 0o777 == 0o644
    assert oci.run("config", "get", "log").stdout == "debug\n"
    assert values(oci)["copy-limit"] == ("2g", str(file), 2)
    assert f"copy-limit         2g " in oci.run("config", "list").stdout
    assert oci.run("config", "set", "log=debug").stdout == "nothing to do\n"
    assert oci.run("config", "unset", "log", "copy-limit").returncode == 0
    assert not file.parent.exists(), "what was made for it is gone"
    assert oci.run("config", "unset", "log").stdout == "nothing to do\n"


def test_what_the_package_brings_comes_back_byte_for_byte(oci, file):
    file.parent.mkdir(parents=True)
    shutil.copy(TEMPLATE, file)
    file.chmod(0o640)
    keys = [f"{key}={value or '/usr'}" for key, (value, _, _) in values(oci).items()]
    assert oci.run("config", "set", *keys).returncode == 0
    text = file.read_text()
    assert '#way = "auto"\nway = "auto"\n' in text and '#runtime = "runc"\nruntime = "/usr"\n' in text
    assert file.stat().st_mode & 0o777 == 0o640
    assert oci.run("config", "unset", *values(oci)).returncode == 0
    assert file.read_bytes() == TEMPLATE.read_bytes()


def test_dry_run_is_a_diff(oci, file):
    shown = oci.run("config", "set", "--dry-run", "log=debug")
    assert shown.stdout == f'--- /dev/null\n+++ {file}\n@@ -0,0 +1,1 @@\n+log = "debug"\n'
    assert not file.exists() and not file.parent.exists()
    assert oci.run("config", "set", "log=debug").returncode == 0
    shown = oci.run("config", "unset", "--dry-run", "log")
    assert shown.stdout == (f'--- {file}\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-log = "debug"\n'
                            f"remove {file.parent}\n")
    assert file.read_text() == 'log = "debug"\n'


WRONG = {
    "a key": (["set", "lgo=debug"], 3, 'settings: unknown key "lgo"; did you mean "log"?'),
    "a key to read": (["get", "scratchdir"], 3, 'settings: unknown key "scratchdir"; did you mean "scratch-dir"?'),
    "a key to take out": (["unset", "copylimit"], 3, 'did you mean "copy-limit"?'),
    "a value": (["set", "log=loud"], 3, 'settings: log is "loud"; give info or debug'),
    "one of two": (["set", "log=debug", "way=no"], 3, 'settings: way is "no"; give one of auto, overlay'),
    "no value": (["set", "log"], 2, 'usage: not a setting: "log"; write KEY=VALUE, for example log=debug'),
    "nothing": (["set"], 2, "usage: KEY=VALUE is required; oci-cnb config set; "),
}


@pytest.mark.parametrize("name", WRONG)
def test_refused(oci, file, name):
    words, status, line = WRONG[name]
    shown = oci.run("config", *words)
    assert shown.returncode == status and line in shown.stderr, shown
    assert not file.exists()


def test_a_file_that_containers_would_be_refused_for(oci, file):
    file.parent.mkdir(parents=True)
    file.write_text('log = "debug"\ncopy = "no"\n')
    shown = oci.run("config", "list")
    assert shown.returncode == 3 and f'settings: copy is "no"; {file}:2; ' in shown.stderr
    assert oci.run("config", "set", "copy=never").returncode == 0
    assert file.read_text() == 'log = "debug"\ncopy = "never"\n'
    file.chmod(0o666)
    shown = oci.run("config", "set", "copy=always")
    assert shown.returncode == 3 and "somebody else could have written it" in shown.stderr


def test_another_root(oci, file, tmp_path):
    assert oci.run("config", "set", "--root", tmp_path, "way=overlay").returncode == 0
    other = tmp_path / "etc/oci-cnb-hooks/config.toml"
    assert other.read_text() == 'way = "overlay"\n'
    assert values(oci, "--root", tmp_path)["way"] == ("overlay", str(other), 1)
    assert values(oci)["way"] == ("auto", None, None)


def test_another_root_below_the_working_directory(oci, file, tmp_path):
    (tmp_path / "root").mkdir()
    shown = oci.run("config", "set", "--root", "root", "way=overlay", cwd=tmp_path)
    assert shown.stdout.startswith("changed root/etc/oci-cnb-hooks/config.toml; "), shown
    assert (tmp_path / "root/etc/oci-cnb-hooks/config.toml").read_text() == 'way = "overlay"\n'
    assert oci.run("config", "get", "--root", "root", "way", cwd=tmp_path).stdout == "overlay\n"
    assert oci.run("config", "unset", "--root", "root", "way", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "root/etc/oci-cnb-hooks").exists()


def test_a_link_in_another_root_stays_in_it(oci, file, tmp_path):
    root, outside = tmp_path / "root", tmp_path / "srv"
    (root / "etc").mkdir(parents=True)
    outside.mkdir()
    (outside / "config.toml").write_text('log = "debug"\n')
    (root / "etc/oci-cnb-hooks").symlink_to(outside)
    (root / str(outside).lstrip("/")).mkdir(parents=True)
    assert values(oci, "--root", root)["log"] == ("info", None, None)
    assert oci.run("config", "set", "--root", root, "way=overlay").returncode == 0
    assert (root / str(outside).lstrip("/") / "config.toml").read_text() == 'way = "overlay"\n'
    assert oci.run("config", "get", "--root", root, "way").stdout == "overlay\n"
    assert (outside / "config.toml").read_text() == 'log = "debug"\n'


@pytest.mark.rootful
def test_a_read_only_machine(oci, file, tmp_path):
    path = tmp_path / "etc/oci-cnb-hooks/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('log = "debug"\n')
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", path.parent], check=True)
    try:
        shown = oci.run("config", "set", "--root", tmp_path, "log=info")
    finally:
        subprocess.run(["umount", path.parent], check=True)
    assert shown.returncode == 4
    assert shown.stderr.endswith('write: Read-only file system; "/etc/oci-cnb-hooks/config.toml"; mount it writable, '
                                 "or change the file where that file system is made\n"), shown


def test_at_the_same_time(oci, file):
    changes = {"log": "debug", "copy": "always", "copy-limit": "2g", "way": "overlay", "enforce": "warn",
               "scratch": "tmpfs", "session-idle": "1d", "platform-api": "0.11"}
    for words in ([f"{key}={value}" for key, value in changes.items()], list(changes)):
        command = "set" if "=" in words[0] else "unset"
        started = [oci.start("config", command, word) for word in words]
        for one in started:
            assert one.wait(timeout=120) == 0, one.stderr.read()
        if command == "set":
            assert {key: value for key, (value, *_) in values(oci).items() if key in changes} == changes
            assert [path.name for path in file.parent.iterdir()] == ["config.toml"]
    assert not file.parent.exists()


def test_unset_leaves_what_it_has_no_part_in(oci, file):
    file.parent.mkdir(parents=True)
    assert oci.run("config", "unset", "log").stdout == "nothing to do\n"
    assert oci.run("config", "unset", "log", "--dry-run").stdout == "nothing to do\n"
    assert list(file.parent.iterdir()) == []
    file.touch()
    assert oci.run("config", "unset", "log").stdout == "nothing to do\n"
    assert file.read_bytes() == b""


def test_what_a_link_leads_to_stays(oci, file, tmp_path):
    real = tmp_path / "config.toml"
    real.write_text('log = "debug"\n')
    file.parent.mkdir(parents=True)
    file.symlink_to(real)
    assert f"+++ {file}\n" in oci.run("config", "unset", "--dry-run", "log").stdout
    assert oci.run("config", "unset", "log").returncode == 0
    assert file.is_symlink() and real.read_bytes() == b""
    assert oci.run("config", "set", "log=debug").returncode == 0
    assert file.is_symlink() and real.read_text() == 'log = "debug"\n'


def test_a_key_that_nobody_knows_is_taken_out(oci, file):
    file.parent.mkdir(parents=True)
    file.write_text('lgo = "debug"\nlog = "debug"\n')
    assert oci.run("config", "get", "log").returncode == 3
    assert oci.run("config", "unset", "lgo").returncode == 0
    assert file.read_text() == 'log = "debug"\n'
    shown = oci.run("config", "unset", "lgo")
    assert shown.returncode == 3 and 'unknown key "lgo"; did you mean "log"?' in shown.stderr


@pytest.mark.rootful
def test_whatever_the_umask(oci, file):
    assert oci.run("config", "set", "log=debug", umask=0o077).returncode == 0
    assert file.parent.stat().st_mode & 0o7777 == 0o755
    assert file.stat().st_mode & 0o7777 == 0o644
