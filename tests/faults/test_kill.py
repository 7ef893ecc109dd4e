"""A hook that is killed at any call that changes something costs nothing and leaves nothing."""

import pytest

from bundle import Bundle, Joined, clear_store, collect, lay_in_spare, wrongs_inside
from killing import changing_calls, killed, started_again
from kit import traces
from kit.engine import execute

SESSION = "killed"


@pytest.mark.parametrize("kind", ["no spare", "spare", "named"])
def test_mount_hook_killed(room, programs, source, kind):
    """After each: the next start of the container succeeds, and so does a collection without one."""
    annotations = {"io.cnb.hooks.session": SESSION} if kind == "named" else {}
    bundle = Bundle(room, programs, source, annotations)

    def prepared():
        clear_store()
        if kind == "spare":
            lay_in_spare(bundle)
        return bundle.start()

    container = prepared()
    calls = changing_calls(bundle, "createruntime", container)
    container.end()
    mounts = traces.mounts()
    wrong = []
    for call in calls:
        for again in (False, True) if kind == "no spare" else (True,):
            container = prepared()
            found = killed(bundle, "createruntime", container, call)
            container.end()
            found += started_again(bundle) if again else []
            if kind == "named":
                execute([programs["oci-cnb"], "session", "rm", f"n-{SESSION}"])
            wrong += [f"{call}, again={again}: {line}" for line in found + collect(programs)]
    assert wrong == []
    assert traces.mounts() == mounts
    assert len(calls) > 50
    bundle.remove()


def test_mount_hook_killed_while_it_joins(room, programs, source):
    """Those who have the session's workspace keep it, and the next one joins them."""
    joined = Joined(room, programs, source)
    container = joined.bundle.start()
    calls = changing_calls(joined.bundle, "createruntime", container)
    container.end()
    wrong = []
    for call in calls:
        container = joined.bundle.start()
        found = killed(joined.bundle, "createruntime", container, call)
        container.end()
        found += started_again(joined.bundle)
        found += [f"of the first: {line}" for line in wrongs_inside(joined.host)]
        wrong += [f"{call}: {line}" for line in found]
    joined.end()
    assert wrong == []
    assert len(calls) > 20


def test_poststop_killed(bundle, programs):
    container = bundle.start()
    bundle.hook("createruntime", container)
    container.end()
    calls = changing_calls(bundle, "poststop", container)
    wrong = []
    for call in calls:
        clear_store()
        container = bundle.start()
        bundle.hook("createruntime", container)
        assert wrongs_inside(container) == []
        container.end()
        found = killed(bundle, "poststop", container, call)
        wrong += [f"{call}: {line}" for line in found + collect(programs)]
    assert wrong == []
    assert len(calls) > 10
