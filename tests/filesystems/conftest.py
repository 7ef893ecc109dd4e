"""Sources and scratch on every file system. Run it through the lab:

    tests/lab/enter host tests/filesystems/run.sh RESULTS
"""

import os
import pathlib
import shutil

import pytest

from kit import source as tree
from kit import traces
from kit.bare import Bare
from kit.engine import Request
from kit.fixtures import programs, room, rootless  # noqa: F401  (fixtures)
from kit.hooks import INSTALLED, Hooks
from kit.probe import Probe
from kit.selection import fits_user, keep
from table import MACHINES
from trees import FILES, PATHS, WRITES

HERE = MACHINES[os.environ.get("OCI_CNB_MACHINE", "host")]
# All ways can be taken where files can share their blocks alone.
collect_ignore = [] if "xfs" in HERE.sources else ["test_alike.py"]


def pytest_configure():
    if not os.environ.get("OCI_CNB_VOLUMES"):
        raise pytest.UsageError(
            "these tests need file systems: tests/lab/enter host tests/filesystems/run.sh RESULTS")


def pytest_collection_modifyitems(config, items):
    keep(config, items, fits_user)


@pytest.fixture(scope="session")
def volumes():
    return pathlib.Path(os.environ["OCI_CNB_VOLUMES"])


@pytest.fixture
def scratch_dir(rootless):  # noqa: F811
    """scratch_dir(path, way): the configuration names this directory; gone afterwards."""
    directory = (pathlib.Path.home() / ".config/oci-cnb-hooks" if rootless
                 else pathlib.Path("/etc/oci-cnb-hooks"))

    def write(path, way="overlay"):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        (directory / "config.toml").write_text(f'scratch-dir = "{path}"\nway = "{way}"\n')
        (directory / "config.toml").chmod(0o644)

    yield write
    shutil.rmtree(directory, ignore_errors=True)


class StoreLog(traces.Log):
    """The log of a store that isn't at the usual place."""

    def __init__(self, store):
        self.path = pathlib.Path(store) / "log/hooks.log"


@pytest.fixture
def run(room, programs, volumes, scratch_dir, tmp_path):  # noqa: F811
    """run(kind, source, scratch, way): what came of a container with its source and scratch there."""
    mounts = traces.mounts()
    stores = []

    def start(kind, source, scratch, way="overlay"):
        user = "rootless" if os.geteuid() else "rootful"
        store = volumes / scratch / user / "scratch"
        stores.append(store)
        scratch_dir(store, way)
        path = volumes / source / kind / "source"
        before = tree.fingerprint(path)
        runtime = Bare("crun", StoreLog(store), room / "bundles", programs)
        probe = Probe().basics().tree().lookup(PATHS).contents(FILES).stat(FILES)
        probe.add("writes", WRITES).tree("after")
        result = runtime.run(Request(probe.script(), str(path)),
                             Hooks(tmp_path / "hooks", programs, INSTALLED))
        assert tree.difference(before, tree.fingerprint(path)) == []
        return result

    yield start
    # Not whether both are equal: crun mounts for a moment in the other user's suite, beside this one.
    assert traces.settled(lambda: [one for one in traces.mounts() if one not in mounts], []) == []
    for store in stores:
        sessions = store / "sessions"
        assert not sessions.exists() or traces.settled(lambda at=sessions: os.listdir(at), []) == []
