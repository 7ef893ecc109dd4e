"""Each source with each place for scratch: served by the way that table.py expects, or refused."""

import os

import pytest

from kit import source as tree
from kit.checks import EXIT_CODES, started
from table import MACHINES, expected, expected_of_another_owner
from trees import PATHS

HERE = MACHINES[os.environ.get("OCI_CNB_MACHINE", "host")]


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
