"""Shared sessions after a crash: of the machine, of a hook at any point, of what removes them."""

import json
import os

import pytest

from kit import traces
from kit.checks import overlay_at, started
from kit.hooks import INSTALLED, STAGES, Hooks
from kit.probe import Probe
from test_sessions import listed, session, sharing  # noqa: F401  (session is a fixture)

# What changes something that another process may meet: directories and mounts, state, names.
CALLS = ("mkdirat", "mkdir", "renameat2", "renameat", "unlinkat", "fsync", "move_mount", "fsmount",
         "mount_setattr", "umount2", "setns")
# The hook under a debugger that kills it when it makes that call for that time.
KILLED = """#!/bin/sh
exec strace -qq -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={number} {hook} "$@"
"""


def add_a_run():
    probe = Probe().basics().add("runs", "cat /workspace/runs /layers/runs | wc -l")
    return probe.add("write", "echo x >> /workspace/runs; echo x >> /layers/runs").script()


def counted(facts):
    overlay_at(facts)
    assert facts.status("write") == 0
    return int(facts.text("runs"))


def test_after_a_restart_of_the_machine(podman, hooks, ask, session, programs):
    """Nobody has told the session: its members are of the boot before."""
    request = ask(add_a_run(), annotations=sharing(session))
    assert counted(started(podman.run(request, hooks))) == 0
    path = traces.state_directory() / "sessions" / f"n-{session}/state.json"
    state = json.loads(path.read_text())
    # A process of that number lives in this boot too.
    member = {"pid": os.getpid(), "start": 1, "mounted": True, "container": "before"}
    path.write_text(json.dumps(state | {"boot": "before", "members": [member]}))
    before = listed(programs, session)
    assert (before["state"], before["members"]) == ("stopped", [])
    result = podman.run(request, hooks)
    assert counted(started(result)) == 2
    assert "the machine was restarted" in result.log
    result = podman.run(request, hooks)
    assert counted(started(result)) == 4
    assert "the machine was restarted" not in result.log


@pytest.mark.rootful
@pytest.mark.parametrize("call", CALLS)
def test_a_hook_that_is_killed_leaves_a_session_that_works(engines, hooks, ask, session, programs,
                                                           tmp_path, call):
    """At each call of its kind; between two deaths a container that finds what the others wrote."""
    engine = engines["crun"]
    request = ask(add_a_run(), annotations=sharing(session))
    assert counted(started(engine.run(request, hooks))) == 0
    runs = 1
    for number in range(1, 50):
        wrapper = tmp_path / f"{number}"
        hook = programs[STAGES["createRuntime"]]
        wrapper.write_text(KILLED.format(call=call, number=number, hook=hook))
        wrapper.chmod(0o755)
        dying = Hooks(tmp_path / f"hooks-{number}", {**programs, STAGES["createRuntime"]: wrapper}, INSTALLED)
        result = engine.run(request, dying)
        if result.started:
            assert counted(result.facts) == 2 * runs
            return  # there is no such call any more
        assert counted(started(engine.run(request, hooks))) == 2 * runs, f"{call} {number}"
        runs += 1
    pytest.fail("the hook never got to its end")
