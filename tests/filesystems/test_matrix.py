"""Each source with each place for scratch: served by the way that table.py expects, or refused."""

import os
import pathlib

import pytest

from kit import source as tree
from kit import traces
from kit.bare import Bare
from kit.checks import EXIT_CODES, started
from kit.engine import Request
from kit.hooks import INSTALLED, Hooks
from kit.probe import Probe
from table import MACHINES, expected, expected_of_another_owner

HERE = MACHINES[os.environ.get("OCI_CNB_MACHINE", "host")]
PATHS = sorted(tree.visible_paths()) + sorted(tree.masked_paths())

WRITES = """
cd /workspace && echo new > made && rm src/main.c && echo more >> README.md &&
mkdir node_modules target && mv docs/public.secret docs/moved && ! [ -e docs/public.secret ]
"""


class StoreLog(traces.Log):
    """The log of a store that isn't at the usual place."""

    def __init__(self, store):
        self.path = pathlib.Path(store) / "log/hooks.log"


@pytest.fixture
def run(room, programs, volumes, scratch_dir, tmp_path):
    """run(kind, source, scratch): what came of a container with its source and scratch there."""
    mounts = traces.mounts()
    stores = []

    def start(kind, source, scratch):
        user = "rootless" if os.geteuid() else "rootful"
        store = volumes / scratch / user / "scratch"
        stores.append(store)
        scratch_dir(store)
        path = volumes / source / kind / "source"
        before = tree.fingerprint(path)
        runtime = Bare("crun", StoreLog(store), room / "bundles", programs)
        probe = Probe().basics().tree().lookup(PATHS).add("writes", WRITES).tree("after")
        result = runtime.run(Request(probe.script(), str(path)),
                             Hooks(tmp_path / "hooks", programs, INSTALLED))
        assert tree.difference(before, tree.fingerprint(path)) == []
        return result

    yield start
    assert traces.settled(traces.mounts, mounts) == mounts
    for store in stores:
        sessions = store / "sessions"
        assert not sessions.exists() or traces.settled(lambda at=sessions: os.listdir(at), []) == []


def check(result, outcome, visible):
    if outcome.served:
        facts = started(result)
        assert facts.mount("/workspace").type == "overlay"
        assert facts.paths() == visible
        assert facts.found(PATHS) == visible
        assert (facts.status("writes") == 0) == (outcome.name == "overlay"), facts.text("writes")
        assert (b"made" in facts.paths("after")) == (outcome.name == "overlay")
        return
    assert not result.started, f"the container ran: {result}"
    assert f"exit code: {EXIT_CODES[outcome.name]})" in result.stderr, str(result)
    assert outcome.silent == (not result.log), str(result)  # crun itself shows no line
    assert outcome.words in result.log, str(result)


@pytest.mark.parametrize("scratch", HERE.scratches)
@pytest.mark.parametrize("source", HERE.sources)
def test_source_and_scratch(run, rootless, source, scratch):
    result = run("rootless" if rootless else "rootful", source, scratch)
    check(result, expected(source, scratch), tree.visible_paths())


@pytest.mark.rootful
@pytest.mark.parametrize("source", HERE.sources)
def test_a_source_of_another_owner(run, source):
    """Shown as the process's own by an id-mapped lower, where the file system has that."""
    outcome = expected_of_another_owner(source)
    closed = {b"packages/app/index.js"}  # in a directory of mode 0750: not seen by another's process
    visible = tree.visible_paths() - (closed if outcome.name == "read-only" else set())
    check(run("other", source, "ext4"), outcome, visible)
