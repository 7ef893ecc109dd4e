"""A hook that is killed at any call that changes something costs nothing and leaves nothing."""

import pytest

from bundle import clear_store, collect, lay_in_spare, wrongs_inside
from kit import traces

# The calls by which a hook changes anything outside of its own memory.
CHANGING = {
    "mkdirat", "mknodat", "write", "fchmod", "fchown", "fsetxattr", "utimensat", "renameat",
    "renameat2", "unlinkat", "flock", "fsync", "chmod", "setns", "unshare", "mount", "umount2",
    "open_tree", "move_mount", "mount_setattr", "fsopen", "fsconfig", "fsmount", "exit_group"}


def changes(call):
    return call.name in CHANGING or "O_CREAT" in call.arguments


def kill_at(call):
    return f"--inject={call.selector}:signal=KILL:when={call.nth}"


@pytest.mark.parametrize("spare", [False, True], ids=["no spare", "spare"])
def test_mount_hook_killed(bundle, programs, spare):
    """After each: the next start of the container succeeds, and so does a collection without one."""
    if spare:
        lay_in_spare(bundle)
    container = bundle.start()
    calls = [call for call in bundle.calls("createruntime", container) if changes(call)]
    container.end()
    mounts = traces.mounts()
    wrong = []
    for call in calls:
        for again in (True,) if spare else (False, True):
            clear_store()
            if spare:
                lay_in_spare(bundle)
            container = bundle.start()
            status, errors = bundle.hook("createruntime", container, kill_at(call))
            found = [] if status == -9 else [f"not killed: {status} {errors}"]
            container.end()
            if again:
                container = bundle.start()
                status, errors = bundle.hook("createruntime", container)
                found += [] if status == 0 else [f"next start: {errors}"]
                found += wrongs_inside(container)
                container.end()
            found += collect(programs)
            wrong += [f"{call}, again={again}: {line}" for line in found]
    assert wrong == []
    assert traces.mounts() == mounts
    assert len(calls) > 50


def test_poststop_killed(bundle, programs):
    container = bundle.start()
    bundle.hook("createruntime", container)
    container.end()
    calls = [call for call in bundle.calls("poststop", container) if changes(call)]
    wrong = []
    for call in calls:
        clear_store()
        container = bundle.start()
        bundle.hook("createruntime", container)
        assert wrongs_inside(container) == []
        container.end()
        status, errors = bundle.hook("poststop", container, kill_at(call))
        found = [] if status == -9 else [f"not killed: {status} {errors}"]
        wrong += [f"{call}: {line}" for line in found + collect(programs)]
    assert wrong == []
    assert len(calls) > 10
