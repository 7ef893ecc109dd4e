"""Engines, hooks and sources for the tests, and the checks that hold after each of them.

Run it through the lab, once for each user and each Debian:

    tests/lab/enter [--user] [host|trixie] python3 -m pytest tests/engines
"""

import os
import pathlib
import shutil
import tempfile

import pytest

from kit import source as source_kit
from kit import traces
from kit.bare import Bare
from kit.engine import Request, must
from kit.hooks import INSTALLED, Hooks, find_programs, stage_copy
from kit.podman import Podman

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PODMANS = ("podman-crun", "podman-runc")
BARE = ("crun", "runc")


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB"):
        raise pytest.UsageError(
            "these tests start containers: run them as tests/lab/enter [--user] [host|trixie] "
            "python3 -m pytest tests/engines"
        )


def pytest_collection_modifyitems(config, items):
    """A test for the other kind of user, or for a newer podman, isn't part of this run at all."""
    unfit = "rootless" if os.geteuid() == 0 else "rootful"
    version = Podman.version()

    def fits(item):
        since = item.get_closest_marker("podman_since")
        return not item.get_closest_marker(unfit) and (since is None or version >= since.args[0])

    kept = [item for item in items if fits(item)]
    config.hook.pytest_deselected(items=[item for item in items if not fits(item)])
    items[:] = kept


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


@pytest.fixture(scope="session")
def engines(room, programs, log):
    made = {f"podman-{runtime}": Podman(runtime, log) for runtime in BARE}
    made |= {runtime: Bare(runtime, log, room / "bundles", programs) for runtime in BARE}
    # podman's first start makes mounts and a pause process that are not a container's.
    must(["podman", "info"])
    return made


@pytest.fixture(params=(*PODMANS, *BARE))
def engine(request, engines):
    return engines[request.param]


@pytest.fixture(params=PODMANS)
def podman(request, engines):
    return engines[request.param]


@pytest.fixture(params=BARE)
def bare(request, engines):
    return engines[request.param]


@pytest.fixture
def make_hooks(room, programs):
    """make_hooks(*stages, when=...): hooks.d directories with these stages."""
    made = []

    def make(*stages, **options):
        directory = tempfile.mkdtemp(prefix="hooks-", dir=room)
        made.append(directory)
        return Hooks(directory, programs, stages, **options)

    yield make
    for directory in made:
        shutil.rmtree(directory)


@pytest.fixture
def hooks(make_hooks):
    """The hooks as they are installed."""
    return make_hooks(*INSTALLED)


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


@pytest.fixture(autouse=True)
def nothing_left(engines):
    """No mount, no process, no scratch outlives a test."""
    mounts, sessions = traces.mounts(), traces.sessions()
    yield
    assert traces.settled(traces.processes, []) == []
    assert traces.settled(traces.mounts, mounts) == mounts
    left = traces.settled(lambda: [name for name in traces.sessions() if name not in sessions], [])
    assert left == [], f"scratch was left behind: {traces.describe(left)}"
