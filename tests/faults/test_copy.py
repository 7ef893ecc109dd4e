"""The same faults and kills where the workspace is a copy of the visible files.

Of the calls by which it is made a part is tried (OCI_CNB_SEED; OCI_CNB_FAULTS=all: everything); a
hook is killed at each that follows. What a killed one has left is never taken for the copy: the next
container of the session sees every file, whole.
"""

import json
import os

import pytest

from bundle import Bundle, clear_store, collect, wrongs_inside
from errnos import ERRORS, LEFT_OUT
from failing import failures, part, run_with_failures
from kit import source as tree
from kit.engine import execute, must
from killing import is_changing, killed, started_again

FILES = {path: content for path, content in tree.VISIBLE.items() if content is not None}
PART = 50
NAME = "copied"


@pytest.fixture(autouse=True)
def way(configured):
    configured('way = "copy"\n')


@pytest.fixture(autouse=True)
def one_thread():
    """Copies everything, where there is one processor: then its calls are always the same."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def calls_of_copy(bundle):
    """(the calls from the first that makes a part of the copy to the one that gives it its name, those
    that follow)"""
    clear_store()
    container = bundle.start()
    calls = bundle.calls("createruntime", container)
    container.end()
    made = [at for at, call in enumerate(calls) if '"copy.new"' in call.arguments]
    assert calls[made[-1]].name.startswith("rename")
    end = made[-1] + 1
    return [call for call in calls[made[0]:end] if call.name not in LEFT_OUT], calls[end:]


def wrongs_of_copy(container):
    """What the container lacks, contents and links included."""
    workspace = os.fsencode(container.root / "workspace")
    found = wrongs_inside(container)
    for path, content in FILES.items():
        with open(os.path.join(workspace, path), "rb") as file:
            found += [] if file.read() == content else [f"not whole: {path!r}"]
    return found + [f"another link: {path!r}" for path, target in tree.VISIBLE_LINKS.items()
                    if os.readlink(os.path.join(workspace, path)) != target]


def test_each_call_fails_once(bundle, programs, told):
    calls, _ = calls_of_copy(bundle)
    assert {call.name for call in calls} - set(ERRORS) == set()
    changing = part([call for call in calls if is_changing(call)], PART)
    tries = [(call, ERRORS[call.name][0]) for call in changing] + failures(calls, all_calls=False)
    attempts = run_with_failures(bundle, programs, tries)
    assert attempts.refused > attempts.tried // 2
    told(f"{len(calls)} calls, {attempts}")


# A session that outlives the container it was begun for: by its name, or by an engine's restart.
KINDS = {"named": {"io.cnb.hooks.session": NAME}, "restarted": {"io.container.manager": "libpod"}}


# A pod comes back with its uid after a restart of the machine.
KEPT = KINDS | {"pod": {"io.kubernetes.cri.sandbox-uid": NAME}}


@pytest.mark.parametrize("kind", KEPT)
def test_a_copy_that_is_kept_is_on_disk_before_it_has_its_name(room, programs, source, kind):
    """After a power cut an empty file would pass for one that a container has emptied."""
    bundle = Bundle(room, programs, source, annotations=KEPT[kind])
    *_, last, named = [call for call in calls_of_copy(bundle)[0] if call.name != "close"]
    assert (last.name, named.name) == ("syncfs", "renameat")
    execute([programs["oci-cnb"], "session", "rm", NAME])
    attempts = run_with_failures(bundle, programs, [(last, error) for error in ERRORS["syncfs"]])
    assert attempts.refused == attempts.tried
    bundle.remove()


def test_a_copy_that_goes_with_its_container_is_not_waited_for(bundle):
    calls, _ = calls_of_copy(bundle)
    assert not [call for call in calls if call.name == "syncfs"]


def way_of_session(programs):
    listed = json.loads(must([programs["oci-cnb"], "session", "list", "--json"]).stdout)
    return [one["way"] for one in listed]


@pytest.mark.parametrize("kind", KINDS)
def test_killed(room, programs, source, kind, told):
    bundle = Bundle(room, programs, source, annotations=KINDS[kind])
    making, after = calls_of_copy(bundle)
    calls = part([call for call in making if is_changing(call)], PART if kind == "named" else PART // 4)
    calls += [call for call in after if is_changing(call)]
    session = f"n-{NAME}" if kind == "named" else f"c-{bundle.path.name}"
    wrong = []
    for call in calls:
        clear_store()
        container = bundle.start()
        found = killed(bundle, "createruntime", container, call)
        container.end()
        for _ in range(2):  # one that finishes it, one that finds it
            found += started_again(bundle, wrongs_of_copy)
            found += [] if way_of_session(programs) == ["copy"] else ["begun another way"]
        execute([programs["oci-cnb"], "session", "rm", session])
        wrong += [f"{call}: {line}" for line in found + collect(programs)]
    assert wrong == [], "\n".join(wrong)
    told(f"{len(calls)} calls")
    bundle.remove()
