"""The same where the copy shares its blocks with the source, on an XFS of its own: what only this way
calls, and a part of what it shares with the plain copy (test_copy.py)."""

import pathlib

import pytest

from bundle import Bundle, clear_store, collect
from errnos import ERRORS
from failing import part, run_with_failures
from kit import source as tree
from kit import traces
from kit.engine import must
from killing import is_changing, killed, started_again
from test_copy import calls_of_copy, one_thread, wrongs_of_copy  # noqa: F401  (a fixture)

PART = 20


@pytest.fixture
def volume(tmp_path, configured):
    """Where the store and a source lie."""
    path, store = tmp_path / "xfs", traces.state_directory()
    image = tmp_path / "xfs.img"
    with image.open("wb") as file:
        file.truncate(300 << 20)  # the least that mkfs.xfs makes
    must(["mkfs.xfs", "-q", str(image)])
    path.mkdir()
    must(["mount", "-o", "loop", str(image), str(path)])
    (path / "store").mkdir(mode=0o700)
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    must(["mount", "--bind", str(path / "store"), str(store)])
    configured('way = "reflink"\n')
    yield path
    must(["umount", str(store)])
    must(["umount", str(path)])


@pytest.fixture
def cloned(room, programs, volume):
    """A bundle over a source there, which is what it was when the test ends."""
    source = pathlib.Path(tree.make(volume / "source", 0, 0))
    before = tree.fingerprint(source)
    bundle = Bundle(room, programs, source)
    yield bundle
    bundle.remove()
    assert tree.difference(before, tree.fingerprint(source)) == []


def calls_of_cloning(bundle):
    """(each FICLONE, the changing calls around them)"""
    calls, _ = calls_of_copy(bundle)
    clones = [call for call in calls if call.name == "ioctl" and "CLONE" in call.arguments]
    assert len(clones) == len([path for path, content in tree.VISIBLE.items() if content])
    return clones, [call for call in calls if is_changing(call)]


def test_each_clone_fails_once(cloned, programs, told):
    clones, changing = calls_of_cloning(cloned)
    tries = [(call, error) for call in (clones[0], clones[-1]) for error in ERRORS["ioctl"]]
    tries += [(call, ERRORS["ioctl"][0]) for call in part(clones[1:-1], PART)]
    tries += [(call, ERRORS[call.name][0]) for call in part(changing, PART)]
    attempts = run_with_failures(cloned, programs, tries)
    assert attempts.refused > attempts.tried // 2
    told(f"{len(clones)} clones, {attempts}")


def test_killed(cloned, programs, told):
    clones, changing = calls_of_cloning(cloned)
    wrong = []
    chosen = part(clones, PART) + part(changing, PART)
    for call in chosen:
        clear_store()
        container = cloned.start()
        found = killed(cloned, "createruntime", container, call)
        container.end()
        found += started_again(cloned, wrongs_of_copy)
        wrong += [f"{call}: {line}" for line in found + collect(programs)]
    assert wrong == [], "\n".join(wrong)
    told(f"{len(chosen)} calls")
