"""Workspaces that are copies of the visible files: where files can share blocks, and where they can't."""

import os

import pytest

from kit import source as tree
from kit.checks import refused, started
from table import MACHINES, READ_ONLY, expected_of_another_owner
from trees import PATHS

HERE = MACHINES[os.environ.get("OCI_CNB_MACHINE", "host")]
SHARING = ("xfs", "btrfs")  # FICLONE, within one file system
PAIRS = (("xfs", "xfs"), ("btrfs", "btrfs"), ("ext4", "ext4"), ("xfs", "btrfs"), ("tmpfs", "tmpfs"),
         ("virtiofs", "ext4"), ("9p", "9p"))
TYPES = {"fuse": "fuse"}  # as mountinfo has them; the others by their own names
PLACES = tuple(name for name in HERE.scratches if name not in READ_ONLY)


@pytest.fixture
def kind(rootless):
    return "rootless" if rootless else "rootful"


def check(result, place, writable=True):
    visible = tree.visible_paths()
    facts = started(result)
    mount = facts.mount("/workspace")
    assert mount.type == TYPES.get(place, place)
    assert (place == "overlay") == any("upperdir=" in option for option in mount.super_options)
    assert facts.paths() == visible
    assert facts.found(PATHS) == visible
    assert (facts.status("writes") == 0) == writable, facts.text("writes")
    assert (b"made" in facts.paths("after")) == writable


@pytest.mark.parametrize("source,scratch", [pair for pair in PAIRS
                                            if pair[0] in HERE.sources and pair[1] in HERE.scratches])
def test_blocks_are_shared_or_there_is_no_copy(run, kind, source, scratch):
    result = run(kind, source, scratch, "reflink")
    if source == scratch and source in SHARING:
        check(result, scratch)
    else:
        refused(result, "system", "reflink: ", "FICLONE")


@pytest.mark.parametrize("scratch", PLACES)
def test_a_plain_copy_goes_anywhere(run, kind, scratch):
    check(run(kind, HERE.sources[0], scratch, "copy"), scratch)


@pytest.mark.parametrize("source", HERE.sources)
def test_of_any_source(run, kind, source):
    check(run(kind, source, "ext4", "copy"), "ext4", source not in READ_ONLY)


@pytest.mark.rootful
@pytest.mark.parametrize("source", [name for name in HERE.sources if name not in READ_ONLY])
def test_of_another_owner(run, source):
    result = run("other", source, "ext4", "copy")
    outcome = expected_of_another_owner(source)
    if outcome.served:
        check(result, "ext4")
    else:
        refused(result, outcome.name, outcome.words)
