"""What all suites with real containers begin and end with."""

import os
import pathlib
import shutil
import tempfile

import pytest

from kit import source as source_kit
from kit import traces
from kit.engine import Request
from kit.hooks import find_programs, stage_copy

CHECKOUT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def rootless():
    return os.geteuid() != 0


@pytest.fixture(scope="session")
def room():
    """A directory on a real file system for the whole run, removed by the lab."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="engines-"))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def programs(room):
    return stage_copy(find_programs(CHECKOUT), room / "programs")


@pytest.fixture(scope="session")
def log():
    return traces.Log()


@pytest.fixture
def make_source(room):
    """make_source(uid=None): an example tree, checked to be unchanged when the test ends."""
    made = []

    def make(uid=None, fill=source_kit.make):
        path = tempfile.mkdtemp(prefix="source-", dir=room)
        os.chmod(path, 0o755)
        fill(path)
        source_kit.settle(path, uid)
        made.append((path, source_kit.fingerprint(path)))
        return path

    yield make
    changes = []
    for path, before in made:
        changes += source_kit.difference(before, source_kit.fingerprint(path))
        shutil.rmtree(path)
    assert not changes, "the source was changed:\n" + "\n".join(changes)


@pytest.fixture
def source(make_source):
    return make_source()


@pytest.fixture
def ask(source):
    """ask(script, **fields): a request for a container over the example tree."""

    def make(script, **fields):
        fields.setdefault("source", source)
        return Request(script, **fields)

    return make


@pytest.fixture
def nothing_left():
    """No mount, no process, no scratch outlives a test."""
    mounts, sessions, trash = traces.mounts(), traces.sessions(), traces.trash()
    yield
    assert traces.settled(traces.processes, []) == []
    assert traces.settled(traces.mounts, mounts) == mounts
    left = traces.settled(lambda: [name for name in traces.sessions() if name not in sessions], [])
    assert left == [], f"scratch was left behind: {traces.describe(left)}"
    assert traces.settled(lambda: [name for name in traces.trash() if name not in trash], []) == []
