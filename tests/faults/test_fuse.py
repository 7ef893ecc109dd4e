"""The same faults and kills where the workspace is fuse-overlayfs's: of the mount hook, and of the
helper that it starts.

Calls of the hook by which a helper is started and told of its container have each error of
errnos.py. Of those by which the way is tried once a boot, and of all others, which test_errors.py
and test_kill.py are about, a part is tried (OCI_CNB_SEED; OCI_CNB_FAULTS=all: everything). Of the
helper's calls each has its first error, and those that only it makes each error, but for a few that
strace can't tell from the calls of the hook and of fuse-overlayfs.
"""

import functools
import re

import pytest

from bundle import clear_store, collect
from errnos import ERRORS
from failing import fail, failing_calls, part, wrongs
from helper import calls_of_helper, daemons, followed
from kit import traces
from killing import is_changing, kill_at, started_again

PART = 30
KILLED = 12  # of the calls that this way has in common with others
# The hook may have ended by then: such a failure is told of in the log.
LATE = {"poll", "recvfrom", "wait4", "read", "unlinkat", "close", "exit_group"}
ENDING = re.compile(r"oci-cnb-fuse .*\b(poll|recv|wait|killed|ended)\b")


@pytest.fixture(autouse=True)
def way(configured):
    configured('way = "fuse"\n')


def split(calls):
    """Of the mount hook: (those of the trial, those by which the container's helper is started and
    told, all others)."""
    opened = [at for at, call in enumerate(calls) if '"/dev/fuse"' in call.arguments]
    answered = [at for at, call in enumerate(calls) if "AT_STATX_FORCE_SYNC" in call.arguments]
    trying = [at for at, call in enumerate(calls) if '"trial.' in call.arguments]
    assert len(opened) == 3 and len(answered) == 2  # the first: is there the device?
    trial = [call for call in calls[trying[0]:trying[-1] + 1] if is_changing(call)]
    start = calls[opened[2]:answered[1] + 1]
    start += [call for call in calls if call.name in ("access", "sendto", "socket")]
    return trial, start, [call for call in calls if call not in trial + start]


def remains(programs):
    return collect(programs) + [f"runs: {line}" for line in traces.settled(daemons, [])]


def test_each_call_of_the_hook_fails_once(bundle, programs, told):
    """After one in the trial the way still serves: no lasting verdict comes from a fault."""
    clear_store()
    trial, start, others = split(failing_calls(bundle))
    trial = part([call for call in trial if call.name in ERRORS], PART)
    tries = [(call, ERRORS[call.name][0], True) for call in trial]
    tries += [(call, error, False) for call in start for error in ERRORS[call.name]]
    tries += part([(call, error, False) for call in others for error in ERRORS[call.name]], PART)
    mounts, wrong, refused = traces.mounts(), [], 0
    for call, error, again in tries:
        clear_store()
        container = bundle.start()
        status, errors = bundle.hook("createruntime", container, fail(call, error))
        refused += status != 0
        found = wrongs(call, status, errors, container)
        container.end()
        found += (started_again(bundle) if again else []) + remains(programs)
        wrong += [f"{call}, {error}: {line}" for line in found]
    assert wrong == [], "\n".join(wrong)
    assert traces.mounts() == mounts
    assert refused > len(tries) // 4
    told(f"{len(trial + start)} calls of the start, {len(tries)} failures, {refused} refused")


def wrongs_of(call, status, errors, container, said):
    """What is wrong after a failure of the helper. said(): what is in the log by now."""
    try:
        return wrongs(call, status, errors, container)
    except OSError:  # its workspace has ended
        told = call.name in LATE and traces.settled(lambda: bool(ENDING.search(said())), True)
        return [] if told else [f"ended untold: {said()}"]


def test_each_call_of_the_helper_fails_once(bundle, programs, log, told):
    clear_store()
    assert started_again(bundle) == []  # the way is known by now
    calls, unknown = calls_of_helper(bundle)
    tries = [(call, error) for call in calls
             for error in ERRORS[call.name][:None if not call.path else 1]]
    wrong, refused = [], 0
    for call, error in tries:
        said = functools.partial(log.since, log.position())
        container = bundle.start()
        status, errors = followed(bundle, container, *call.options, fail(call, error))
        refused += status != 0
        found = wrongs_of(call, status, errors, container, said)
        container.end()
        wrong += [f"{call}, {error}: {line}" for line in found + remains(programs)]
    assert wrong == [], "\n".join(wrong)
    assert refused > 30
    told(f"{len(calls)} calls, {unknown} not to be told apart, {len(tries)} failures, {refused} refused")


def test_hook_killed(bundle, programs, told):
    """At what changes something; then the container starts again, and nothing is left."""
    clear_store()
    container = bundle.start()
    calls = bundle.calls("createruntime", container)
    container.end()
    trial, start, others = split(calls)
    changing = [call for call in start if is_changing(call)] + part(trial, KILLED)
    changing += part([call for call in others if is_changing(call)], KILLED)
    wrong, reached = [], 0
    for call in changing:
        clear_store()
        container = bundle.start()
        status, errors = bundle.hook("createruntime", container, kill_at(call))
        reached += status == -9
        # How much there is to remove after the trial depends on when fuse-overlayfs ended.
        found = [] if status in (-9, 0) else [f"not killed: {status} {errors}"]
        container.end()
        wrong += [f"{call}: {line}" for line in found + started_again(bundle) + remains(programs)]
    assert wrong == [], "\n".join(wrong)
    assert reached > len(changing) * 3 // 4
    told(f"{reached} calls")


def test_helper_killed(bundle, programs, told):
    """The hook refuses the container, unless it had ended by then."""
    clear_store()
    assert started_again(bundle) == []
    calls = [call for call in calls_of_helper(bundle)[0] if is_changing(call) or call.name == "execve"]
    wrong = []
    for call in calls:
        container = bundle.start()
        status, errors = followed(bundle, container, *call.options, kill_at(call))
        found = []
        if status == 0 and call.name not in LATE:
            found.append("served without a helper")
        elif status != 0 and "fuse: statx" not in errors:
            found.append(errors)
        container.end()
        wrong += [f"{call}: {line}" for line in found + started_again(bundle) + remains(programs)]
    assert wrong == [], "\n".join(wrong)
    told(f"{len(calls)} calls")
    assert len(calls) > 10
