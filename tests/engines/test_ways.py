"""The workspace is the same whichever way it is made: the kernel's overlay, fuse-overlayfs, a copy."""

import hashlib
import json
import os
import pathlib
import signal
import uuid

import pytest

from kit import source as tree
from kit import traces
from kit.checks import refused, started
from kit.engine import execute, must
from kit.probe import Probe, wait_for

VISIBLE = sorted(tree.visible_paths())
MASKED = sorted(tree.masked_paths())
TYPES = {"overlay": "overlay", "fuse": "fuse.oci-cnb"}
# A reflink copy needs a file system that has it: tests/filesystems/test_copies.py.
WAYS = (*TYPES, "copy")

FILES = sorted(path for path, content in tree.VISIBLE.items() if content is not None)
LINKS = "cd /workspace && for name in link broken escape up into-masked; do readlink $name; done"

WRITES = """
set -e
cd /workspace
echo new > created.txt; grep -q new created.txt
echo more >> README.md; grep -q more README.md
mv src/main.c src/renamed.c; [ ! -e src/main.c ]
rm -r odd; mkdir odd; [ -z "$(ls -A odd)" ]
mkdir node_modules; echo own > node_modules/own.js; [ "$(ls node_modules)" = own.js ]
echo mine > .git; [ "$(cat .git)" = mine ]
rm .git; [ ! -e .git ]
ln -s created.txt soft; ln created.txt hard; chmod 600 created.txt
"""


def dev(**more):
    return {"io.cnb.hooks.role": "dev", **{f"io.cnb.hooks.{key}": more[key] for key in more}}


@pytest.fixture(params=WAYS)
def way(request, settings):
    settings(f'way = "{request.param}"\n')
    return request.param


def can_serve(engine, rootless, way):
    """A plain user's runtime without an engine runs the mount hook inside of the container."""
    return not (way == "fuse" and rootless and engine.kind == "bare")


def test_one_workspace_whichever_way(engine, hooks, ask, way, rootless):
    probe = Probe().basics().tree().lookup(VISIBLE + MASKED)
    probe.contents(FILES).add("links", LINKS).add("writes", WRITES).tree("after")
    result = engine.run(ask(probe.script()), hooks)
    if not can_serve(engine, rootless, way):
        refused(result, "system", "fuse: the hook runs inside of the container")
        return
    facts = started(result)
    kind = facts.mount("/workspace").type
    assert kind == TYPES[way] if way in TYPES else kind not in TYPES.values()
    assert len([m for m in facts.mounts() if m.target == "/workspace"]) == 1
    assert facts.paths() == tree.visible_paths()
    assert facts.found(VISIBLE + MASKED) == set(VISIBLE)
    assert facts.lines("contents") == [
        hashlib.sha256(tree.VISIBLE[path]).hexdigest() + "  -" for path in FILES]
    assert facts.lines("links") == [target.decode() for target in tree.VISIBLE_LINKS.values()]
    assert facts.status("writes") == 0, facts.text("writes")
    after = facts.paths("after")
    assert {b"created.txt", b"node_modules/own.js", b"src/renamed.c", b"soft", b"odd"} <= after
    assert not {b"src/main.c", b".git", b"target"} & after


def test_readonly(engine, hooks, ask, way, rootless):
    probe = Probe().basics().tree().add("write", "echo x > /workspace/x")
    request = ask(probe.script(), annotations=dev(workspace="readonly"))
    result = engine.run(request, hooks)
    if not can_serve(engine, rootless, way):
        refused(result, "system", "fuse: the hook runs inside of the container")
        return
    facts = started(result)
    assert facts.paths() == tree.visible_paths()
    assert facts.status("write") != 0


@pytest.fixture
def named(podman, hooks, programs):
    """The name of a container, which is removed at the end, and its scratch."""
    name = f"lab-{uuid.uuid4().hex[:8]}"
    yield name
    execute(podman.command(hooks, "rm", "--force", "--time", "0", name))
    must([programs["oci-cnb"], "session", "gc"])


def listed(programs, **wanted):
    found = json.loads(must([programs["oci-cnb"], "session", "list", "--json"]).stdout)
    return [one for one in found if all(one[key] == wanted[key] for key in wanted)]


def container_id(name):
    return must(["podman", "inspect", "--format", "{{.Id}}", name]).stdout.decode().strip()


def test_restart_keeps_what_was_written(podman, hooks, ask, way, named, programs):
    script = Probe().add("runs", "cat /workspace/runs | wc -l; echo x >> /workspace/runs").tree()
    must(podman.command(hooks, "create", "--name", named, *podman.create_options(ask(script.script()))))
    for run in range(3):
        facts = started(podman.call(hooks, "start", "--attach", named))
        assert facts.lines("runs")[-1] == str(run)
        assert facts.paths() == tree.visible_paths() | {b"runs"}
        traces.settled(traces.programs_of_ours, [])
    [session] = listed(programs, container=container_id(named))
    assert session["way"] == way
    assert ("overlay: way = " in session["way_reason"]) == (way != "overlay")


@pytest.fixture
def session(programs):
    name = f"lab-{uuid.uuid4().hex[:8]}"
    yield name
    must([programs["oci-cnb"], "session", "rm", name])


def test_two_containers_of_a_session(podman, hooks, ask, way, session, programs, named):
    """One that runs, one that joins it, and one that comes when both have ended."""
    waits = Probe().add("first", "echo first > /workspace/first; " + wait_for("[ -e /workspace/second ]"))
    request = ask(waits.script(), annotations=dev(session=session))
    must(podman.command(hooks, "run", "--detach", "--name", named, *podman.create_options(request)))
    joins = Probe().add("seen", wait_for("[ -e /workspace/first ]")).add("say", "echo > /workspace/second")
    started(podman.run(ask(joins.script(), annotations=dev(session=session)), hooks))
    assert must(["podman", "wait", named]).stdout.strip() == b"0"
    facts = started(podman.run(ask(Probe().tree().script(), annotations=dev(session=session)), hooks))
    assert facts.paths() == tree.visible_paths() | {b"first", b"second"}
    [found] = listed(programs, name=session)
    assert found["way"] == way


def test_an_upper_in_which_nothing_is_begins_no_session(podman, hooks, ask, session, settings, programs):
    """As a hook leaves it whose overlay was refused after all: the next one chooses its way anew."""
    started(podman.run(ask(Probe().script(), annotations=dev(session=session, workspace="live")), hooks))
    (traces.state_directory() / "sessions" / f"n-{session}" / "upper").mkdir(mode=0o755)
    settings('way = "copy"\n')
    facts = started(podman.run(ask(Probe().tree().script(), annotations=dev(session=session)), hooks))
    assert facts.paths() == tree.visible_paths()
    [found] = listed(programs, name=session)
    assert found["way"] == "copy"


# --- a daemon that dies ---------------------------------------------------------------------------


def processes_of(name):
    """Those that run this program, in this view of the machine."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == name:
                found.append(int(entry.name))
        except OSError:
            continue  # it ended meanwhile
    return found


@pytest.mark.parametrize("victim", ["fuse-overlayfs", "oci-cnb-fuse"])
def test_a_killed_daemon_is_told_of(podman, hooks, ask, settings, named, programs, victim, log):
    settings('way = "fuse"\n')
    position = log.position()
    script = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"
    request = ask(script)
    must(podman.command(hooks, "run", "--detach", "--name", named, *podman.create_options(request)))
    container = container_id(named)
    assert [one["state"] for one in listed(programs, container=container)] == ["running"]
    [pid] = processes_of(victim)
    os.kill(pid, signal.SIGKILL)
    assert traces.settled(lambda: processes_of("fuse-overlayfs") + processes_of("oci-cnb-fuse"), []) == []
    assert traces.settled(lambda: [one["state"] for one in listed(programs, container=container)],
                          ["broken"]) == ["broken"]
    [one] = listed(programs, container=container)
    assert "killed" in one["failure"]
    look = execute(["podman", "exec", named, "ls", "/workspace"])
    assert look.status != 0
    must(podman.command(hooks, "stop", "--time", "5", named))
    told = "was killed by signal 9" if victim == "fuse-overlayfs" else "the helper of the workspace was"
    assert traces.settled(lambda: told in log.since(position), True), log.since(position)
    # The container can be started again, and has what it wrote.
    must(podman.command(hooks, "start", named))
    seen = execute(["podman", "exec", named, "cat", "/workspace/README.md"])
    assert seen.status == 0, str(seen)


# --- no way at all --------------------------------------------------------------------------------


def test_every_way_is_named_when_none_serves(engine, hooks, ask, settings):
    settings('way = "reflink"\n')
    refused(engine.run(ask(Probe().script(), annotations=dev(scratch="tmpfs")), hooks), "system",
            "no way to a workspace: ", 'overlay: way = "reflink" is configured',
            'fuse: way = "reflink" is configured', "reflink: a copy lies on disk, not in memory",
            'copy: way = "reflink" is configured', 'set way = "auto" in config.toml')


def test_a_copy_has_a_limit(engine, hooks, ask, settings):
    settings('way = "copy"\ncopy-limit = "1"\n')
    refused(engine.run(ask(Probe().script()), hooks), "system",
            "copy: the visible files are more than the 1 bytes that a copy may have",
            "exclude what isn't needed, or raise copy-limit in config.toml")
