"""Both builds of each program say the same to the same input."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import CHECKOUT, CROSS, NATIVE, PROGRAMS

EMULATOR = "qemu-aarch64-static"
HOOKS = ("oci-cnb-precreate", "oci-cnb-createruntime", "oci-cnb-prestart", "oci-cnb-poststop")
PROJECTS = sorted(path.parent.name for path in (CHECKOUT / "examples/projects").glob("*/.dockerignore"))


def outcome(words, stdin=b""):
    done = subprocess.run(words, input=stdin, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr


def same(name, *words, stdin=b""):
    """What both answer."""
    native = outcome([NATIVE / name, *words], stdin)
    assert outcome([EMULATOR, CROSS / name, *words], stdin) == native
    return native


@pytest.mark.parametrize("name", PROGRAMS)
def test_self_contained_and_for_arm64(name):
    told = subprocess.run(["readelf", "--file-header", "--program-headers", CROSS / name], check=True,
                          capture_output=True, text=True).stdout
    assert "AArch64" in told and "DYN (Position-Independent Executable file)" in told
    assert "INTERP" not in told and "GNU_RELRO" in told


@pytest.mark.parametrize("name", HOOKS)
def test_broken_input(name):
    """Which gives each hook's own exit code and message."""
    status, _, told = same(name, stdin=b'{"ociVersion": "1.0", "id": ')
    assert status != 0 and told


@pytest.mark.parametrize("name,option", [("oci-cnb", "--version"), ("oci-cnb", "--help"), ("oci-cnb-nri", "--help")])
def test_of_itself(name, option):
    status, told, _ = same(name, option)
    assert status == 0 and told


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("words", ["list -0", "masks", "stats --json"])
def test_context(tmp_path, project, words):
    source = shutil.copytree(CHECKOUT / "examples/projects" / project, tmp_path / "source")
    for name in (".git", "node_modules", "target", "build", "__pycache__"):
        (source / name / "dep").mkdir(parents=True, exist_ok=True)
    command, *options = words.split()
    status, told, _ = same("oci-cnb", "context", command, *options, str(source))
    assert status == 0 and told


def test_a_document_that_is_adjusted():
    document = {
        "ociVersion": "1.0.2", "root": {"path": "rootfs"},
        "process": {"cwd": "/", "args": ["sh"], "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}},
        "annotations": {"io.cnb.hooks.role": "dev"},
        "mounts": [{"destination": "/workspace", "type": "bind", "source": str(CHECKOUT),
                    "options": ["rbind"]}],
    }
    status, told, stderr = same("oci-cnb-precreate", stdin=json.dumps(document).encode())
    assert status == 0, stderr
    made = json.loads(told)
    assert made["process"]["cwd"] == "/workspace" and "CNB_PLATFORM_API=0.12" in made["process"]["env"]


def test_a_plain_build_has_this_machine():
    """Without which the tests above would compare two builds for one machine."""
    told = outcome(["readelf", "--file-header", NATIVE / "oci-cnb"])[1]
    assert (b"AArch64" in told) == (os.uname().machine == "aarch64")


def test_package():
    (package,) = pathlib.Path(CROSS.parent).glob("*.deb")
    told = subprocess.run(["dpkg-deb", "-f", package, "Architecture"], check=True, capture_output=True)
    assert told.stdout == b"arm64\n"
