"""Examples for guests of macOS and Windows: what can be said of them without such a host."""

import os
import pathlib
import re
import subprocess

import pytest
import yaml

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
TEMPLATE = EXAMPLES / "lima/oci-cnb.yaml"
# Of Lima's templates/default.yaml, as far as it concerns us.
FIELDS = {
    "": {"minimumLimaVersion", "base", "vmType", "arch", "cpus", "memory", "disk", "images", "mounts",
         "mountType", "ssh", "containerd", "provision", "probes", "portForwards", "message", "env",
         "param", "user", "networks", "copyToHost"},
    "mounts": {"location", "mountPoint", "writable", "sshfs", "9p", "virtiofs"},
    "containerd": {"system", "user", "archives"},
    "provision": {"mode", "script", "file", "path", "content", "owner", "permissions", "overwrite"},
    "probes": {"mode", "description", "script", "file", "hint"},
}
MODES = {"provision": {"system", "user", "boot", "dependency", "data"}, "probes": {"readiness"}}


@pytest.fixture(scope="module")
def template():
    return yaml.safe_load(TEMPLATE.read_text())


def test_the_template_has_fields_of_lima_only(template):
    assert set(template) <= FIELDS[""]
    for name, known in FIELDS.items():
        part = template.get(name, []) if name else []
        for one in part if isinstance(part, list) else [part]:
            assert set(one) <= known, name
            assert name not in MODES or one["mode"] in MODES[name]


def test_what_is_mounted_is_read_only_and_by_virtiofs(template):
    assert template["mountType"] == "virtiofs"
    assert [mount["writable"] for mount in template["mounts"]] == [False, False]


def test_parameters_are_declared_and_used(template):
    used = re.findall(r"\{\{\.Param\.(\w+)\}\}", TEMPLATE.read_text())
    assert set(used) == set(template["param"])
    assert set(re.findall(r"\{\{\.(\w+)", TEMPLATE.read_text())) <= {"Param", "Name"}


def test_the_scripts_in_it_are_shell(template):
    for part in (*template["provision"], *template["probes"]):
        subprocess.run(["bash", "-n"], input=part["script"], text=True, check=True)


@pytest.mark.parametrize("example", ["podman-machine", "wsl2"])
@pytest.mark.parametrize("words", [[], ["a", "b", "c"]])
def test_usage(example, words):
    done = subprocess.run([EXAMPLES / example / "setup.sh", *words], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: setup.sh ")


def test_wsl_is_asked_for(tmp_path):
    (tmp_path / "package.deb").write_text("")
    done = subprocess.run([EXAMPLES / "wsl2/setup.sh", tmp_path / "package.deb"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "isn't WSL2" in done.stderr


def test_podman_machine_is_given_the_tarball(tmp_path):
    """podman that runs here what it should run in the guest; sudo notes what it is asked for."""
    release = tmp_path / "oci-cnb-hooks-0.1.0-arm64"
    release.mkdir()
    (release / "install").write_text("#!/bin/sh\n")
    archive = tmp_path / "release.tar.gz"
    subprocess.run(["tar", "-cz", "-f", archive, "-C", tmp_path, release.name], check=True)
    fakes = {
        "podman": 'echo "$*" >>"$NOTES"; shift 3; case $1 in */oci-cnb) exit;; esac; exec "$@"',
        "sudo": 'test -f "$1" && echo "sudo ${1##*/}" >>"$NOTES"',
    }
    for name, body in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}",
                   "NOTES": str(tmp_path / "notes"), "TMPDIR": str(tmp_path)}
    subprocess.run([EXAMPLES / "podman-machine/setup.sh", archive, "mine"], env=environment, check=True)
    notes = (tmp_path / "notes").read_text().splitlines()
    assert all(line.startswith(("machine ssh mine ", "sudo ")) for line in notes)
    assert "sudo install" in notes
    assert notes[-2].endswith("oci-cnb doctor")
    assert " rm -rf " in notes[-1], "nothing is left in the guest"
    assert list(tmp_path.glob("tmp.*")) == []
