"""All four ways, where all four can be taken: the same workspace, whichever it is."""

import hashlib
import os

import pytest

from kit import source as tree
from kit.checks import refused, started
from trees import FILES, PATHS

TYPES = {"overlay": "overlay", "fuse": "fuse.oci-cnb"}
MADE = {b"made", b"node_modules", b"target", b"docs/moved"}
GONE = {b"src/main.c", b"docs/public.secret"}


def told_by_stat(path):
    status = os.lstat(path)
    return f"{status.st_mode & 0o7777:o}", str(int(status.st_mtime))


@pytest.mark.parametrize("way", ["overlay", "fuse", "reflink", "copy"])
@pytest.mark.parametrize("place", ["xfs", "btrfs"])  # FICLONE
def test_the_same_workspace(run, volumes, rootless, place, way):
    user = "rootless" if rootless else "rootful"
    result = run(user, place, place, way)
    if way == "fuse" and rootless:  # a plain user's runtime runs the hook inside of the container
        refused(result, "system", "fuse: the hook runs inside of the container")
        return
    facts = started(result)
    assert facts.mount("/workspace").type == TYPES.get(way, place)
    visible = tree.visible_paths()
    assert facts.paths() == visible
    assert facts.found(PATHS) == visible
    assert facts.lines("contents") == [
        hashlib.sha256(tree.VISIBLE[path]).hexdigest() + "  -" for path in FILES]
    source = os.fsencode(volumes / place / user / "source")
    told = [line.split() for line in facts.lines("stat")]
    assert [(mode, changed) for mode, _, _, changed in told] == [
        told_by_stat(os.path.join(source, path)) for path in FILES]
    assert {(owner, group) for _, owner, group, _ in told} == {("0", "0")}
    assert facts.status("writes") == 0, facts.text("writes")
    assert facts.paths("after") == (visible | MADE) - GONE
