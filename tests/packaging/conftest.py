"""Tests of the .deb on a machine of its own. Run them as

    tests/lab/enter [host|trixie] python3 -m pytest tests/packaging

OCI_CNB_DEB names the package; else it is the one that cpack made in the build directory, which is
OCI_CNB_BUILD or build/release.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import machine
import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("OCI_CNB_BUILD", CHECKOUT / "build/release"))


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB") or os.geteuid() != 0:
        raise pytest.UsageError(
            "these tests install a package: run them as tests/lab/enter [host|trixie] "
            "python3 -m pytest tests/packaging"
        )


def pytest_collection_modifyitems(config, items):
    """In a tree that has engines only, what needs the tools of a build isn't part of the run."""
    if shutil.which("cmake"):
        return
    kept = [item for item in items if not item.get_closest_marker("build_machine")]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture(scope="session")
def deb():
    named = os.environ.get("OCI_CNB_DEB")
    if named:
        return pathlib.Path(named)
    found = sorted(BUILD.glob("oci-cnb-hooks_*.deb"), key=os.path.getmtime)
    assert found, "no package: run `cpack -G DEB` in build/release, or set OCI_CNB_DEB"
    return found[-1]


@pytest.fixture(scope="session")
def room():
    path = pathlib.Path(tempfile.mkdtemp(prefix="packaging-"))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def unpacked(deb, room):
    """The package's files and, in DEBIAN, its control files."""
    tree = room / "unpacked"
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    return tree


@pytest.fixture(scope="session")
def newer_deb(unpacked, room):
    """The same programs in a later version, whose config.toml has another line."""
    tree = room / "newer"
    shutil.copytree(unpacked, tree, symlinks=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines(keepends=True)
    control.write_text("".join("Version: 99.0-1\n" if line.startswith("Version:") else line
                               for line in lines))
    with open(tree / "etc/oci-cnb-hooks/config.toml", "a", encoding="utf-8") as file:
        file.write("# a later version\n")
    path = room / "newer.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, path], check=True,
                   capture_output=True)
    return path


@pytest.fixture(scope="session")
def root():
    return machine.Person("root")


@pytest.fixture(scope="session")
def user():
    return machine.Person(machine.LAB_USER)


@pytest.fixture(params=("root", "user"))
def person(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def clean():
    """A machine without the package."""
    machine.purge()


@pytest.fixture
def installed(deb):
    """The package, just installed; where it is installed already its files are put back."""
    if machine.installed_version() == machine.version_of(deb):
        machine.must(["dpkg-deb", "-x", deb, "/"])
    else:
        machine.purge()
        machine.dpkg("--install", deb)


@pytest.fixture
def make_source(room):
    def make(person):
        path = pathlib.Path(tempfile.mkdtemp(prefix="source-", dir=room))
        path.chmod(0o755)
        (path / ".dockerignore").write_text("**/secret\nnode_modules\n")
        (path / "main.c").write_text("int main;\n")
        (path / "secret").write_text("s\n")
        (path / "node_modules/a").mkdir(parents=True)
        for entry in [path, *path.rglob("*")]:
            os.chown(entry, person.uid, person.gid)
        return path

    return make
