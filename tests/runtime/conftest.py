"""oci-cnb-runtime under real engines. Run it through the lab:

    tests/lab/enter [--user] [host|trixie|sid] python3 -m pytest tests/runtime
"""

import os
import pathlib
import shutil

import pytest

from kit import traces
from kit.containerd import Containerd, Handler
from kit.docker import Docker
from kit.engine import must
from kit.fixtures import (  # noqa: F401  (fixtures)
    ask, log, make_source, nothing_left, programs, room, rootless, source)
from kit.selection import fits_machine, fits_user, keep

RUNTIMES = ("runc", "crun")


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB"):
        raise pytest.UsageError(
            "these tests start containers: run them as tests/lab/enter [--user] [host|trixie|sid] "
            "python3 -m pytest tests/runtime"
        )


def pytest_collection_modifyitems(config, items):
    keep(config, items, lambda item: fits_user(item) and fits_machine(item))


@pytest.fixture(scope="session")
def wrapper(programs):  # noqa: F811
    """The program under test, which stands for what the configuration names."""
    return programs["oci-cnb-runtime"]


@pytest.fixture(scope="session")
def wrappers(wrapper):
    """{runtime: wrapper that stands for it}: links, whose names say for which."""
    made = {}
    for runtime in RUNTIMES:
        made[runtime] = wrapper.with_name(f"oci-cnb-runtime.{runtime}")
        made[runtime].symlink_to(wrapper.name)
    return made


class Recorder:
    """runc, which leaves a copy of the config.json that it was given."""

    def __init__(self, directory):
        directory.mkdir()
        self.program = directory / "recorder"
        self._copy = directory / "config.json"
        self.program.write_text(
            "#!/bin/sh\nlast=\nfor word do\n"
            f'  [ "$last" != --bundle ] || cp "$word/config.json" {self._copy}\n  last=$word\ndone\n'
            'exec runc "$@"\n')
        self.program.chmod(0o755)

    def take(self):
        document = self._copy.read_bytes()
        self._copy.unlink()
        return document


@pytest.fixture(scope="session")
def recorder(room):  # noqa: F811
    return Recorder(room / "recorder")


@pytest.fixture(scope="session")
def docker(room, wrappers, recorder, log, programs):  # noqa: F811
    """Its runtime `cnb` is put beside the others by `oci-cnb install docker`."""
    runtimes = {"cnb-crun": wrappers["crun"], "recorder": recorder.program}
    engine = Docker(room / "docker", runtimes, log, config="/etc/docker/daemon.json").configure()
    before = engine.config.read_bytes()
    must([programs["oci-cnb"], "install", "docker"])
    engine.start()
    yield engine
    engine.stop()
    must([programs["oci-cnb"], "uninstall", "docker"])
    assert engine.config.read_bytes() == before
    engine.config.unlink()


@pytest.fixture(scope="session")
def containerd(room, wrappers):  # noqa: F811
    handlers = {name: Handler(path) for name, path in wrappers.items()}
    engine = Containerd(room / "containerd", handlers).start()
    engine.load("pause", "basic")
    yield engine
    engine.sweep()
    engine.stop()


@pytest.fixture
def pods_end(nothing_left, containerd, programs):  # noqa: F811
    """A pod's session outlives its sandbox by ten minutes: that time is ended here, and collected."""
    yield
    # Twice: what was killed is found dead first, and its time begins then.
    for _ in range(2):
        for name in traces.sessions():
            if name.startswith("p-"):
                os.utime(traces.state_directory() / "sessions" / name, (0, 0))
        must([programs["oci-cnb"], "session", "gc"])


@pytest.fixture(scope="session")
def podman_ready():
    """podman's first start makes mounts and a pause process that are not a container's."""
    must(["podman", "info"])


@pytest.fixture
def configuration():
    """configuration(text): config.toml of whoever runs the test, for the test."""
    path = pathlib.Path("/etc/oci-cnb-hooks/config.toml")
    if os.geteuid() != 0:
        path = pathlib.Path.home() / ".config/oci-cnb-hooks/config.toml"

    def write(text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)
        return path

    yield write
    shutil.rmtree(path.parent, ignore_errors=True)
