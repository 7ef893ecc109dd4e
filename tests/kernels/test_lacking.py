"""Every system call newer than Linux 3.8 that the programs make is missing once, and all at once.

The calls are those of a traced run: one that is added to the programs without an older way makes
these tests fail.
"""

import json
import os
import shutil
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit import source as tree
from kit.bare import Bare
from kit.checks import overlay_at, refused, started
from kit.engine import Request, execute, must
from kit.hooks import INSTALLED, Hooks
from kit.probe import Probe, wait_for
from wrapped import LAST_OLD_CALL, traced, without

PATHS = sorted(tree.visible_paths()) + sorted(tree.masked_paths())
WRITES = "cd /workspace && echo new > made && rm src/main.c && echo more >> README.md && mkdir d"
NEEDED_TO_JOIN = {"open_tree", "mount_setattr", "move_mount", "fsopen", "fsconfig", "fsmount"}
CHANGES = {b"made": b"new\n", b"README.md": b"# example\nmore\n"}


class Kernel:
    """crun, and the programs as they are on one kernel."""

    def __init__(self, room, log, programs, real):
        self.programs, self.real = programs, real
        self.runtime = Bare("crun", log, room / f"bundles-{uuid.uuid4().hex[:8]}", programs)
        self.hooks = Hooks(tempfile.mkdtemp(prefix="hooks-", dir=room), programs, INSTALLED)

    def run(self, request):
        return self.runtime.run(request, self.hooks)

    def call(self, *words):
        """`oci-cnb` with these words, which has to end well."""
        return must([self.programs["oci-cnb"], *words]).stdout


def container(kernel, source):
    """An anonymous session: everything that a container is promised."""
    before = tree.fingerprint(source)
    probe = Probe().basics().tree().lookup(PATHS).add("writes", WRITES)
    result = kernel.run(Request(probe.script(), source))
    facts = started(result)
    overlay_at(facts)
    assert facts.paths() == tree.visible_paths()
    assert facts.found(PATHS) == tree.visible_paths()
    assert facts.cwd == "/workspace"
    assert facts.status("writes") == 0, facts.text("writes")
    assert tree.difference(before, tree.fingerprint(source)) == []


def commands(kernel, source):
    """What a person does with a session of such containers, and without any."""
    name = f"lacking-{uuid.uuid4().hex[:8]}"
    try:
        session(kernel, source, name)
    finally:
        execute([kernel.real["oci-cnb"], "session", "rm", name])
    assert b"node_modules" in kernel.call("context", "masks", source)
    assert b"made" in kernel.call("preview", source, "--", "ls")


def session(kernel, source, name):
    """From a session's first container to its end."""
    annotations = {"io.cnb.hooks.role": "dev", "io.cnb.hooks.session": name}
    for script in (WRITES, "test -f /workspace/made"):
        probe = Probe().add("work", script)
        facts = started(kernel.run(Request(probe.script(), source, annotations=annotations)))
        assert facts.status("work") == 0, facts.text("work")
    listed = json.loads(kernel.call("session", "list", "--json"))
    assert name in [one["name"] for one in listed]
    assert b"src/main.c" in kernel.call("session", "diff", name)
    assert b".wh.main.c" in kernel.call("session", "export", name)
    kernel.call("session", "apply", "--yes", name)
    for path, contents in CHANGES.items():
        with open(os.path.join(os.fsencode(source), path), "rb") as file:
            assert file.read() == contents
    assert not os.path.exists(os.path.join(source, "src/main.c"))
    assert os.path.isdir(os.path.join(source, "d"))
    kernel.call("session", "rm", name)
    kernel.call("session", "gc")


@pytest.fixture
def spare(room):
    """spare(): an example tree that may be changed."""
    made = []

    def make():
        made.append(tempfile.mkdtemp(prefix="spare-", dir=room))
        return tree.make(made[-1])

    yield make
    for path in made:
        shutil.rmtree(path)


@pytest.fixture(scope="module")
def called(room, log, programs, tmp_path_factory):
    """{number: name} of the newer calls that the programs make."""
    made, calls = traced(room, programs)
    kernel = Kernel(room, log, made, programs)
    for story in (container, commands):
        source = tree.make(tmp_path_factory.mktemp("traced") / "source")
        story(kernel, source)
    found = {number: name for number, name in calls().items() if number > LAST_OLD_CALL}
    assert {"openat2", "statx", "move_mount", "close_range"} <= set(found.values())
    return found


def problems(kernel, make_source, spare):
    """What both stories find wrong, a line each."""
    found = []
    for story, source in ((container, make_source()), (commands, spare())):
        try:
            story(kernel, source)
        except AssertionError as error:
            found.append(f"{story.__name__}: {error}")
    return found


def test_each_newer_call_is_missing_once(room, log, programs, called, make_source, spare):
    wrong = []
    for number, name in called.items():
        kernel = Kernel(room, log, without(room, programs, [number]), programs)
        wrong += [f"without {name}: {line}" for line in problems(kernel, make_source, spare)]
    assert wrong == [], "\n".join(wrong)


def test_all_are_missing(room, log, programs, called, make_source, spare):
    kernel = Kernel(room, log, without(room, programs, called), programs)
    wrong = problems(kernel, make_source, spare)
    assert wrong == [], "\n".join(wrong)


def join(kernel, source, name, probe):
    annotations = {"io.cnb.hooks.role": "dev", "io.cnb.hooks.session": name}
    return kernel.run(Request(probe.script(), source, annotations=annotations))


@pytest.mark.rootful  # a plain user's crun lets nobody into a running container
def test_joining_a_session(room, log, programs, called, source):
    """A running container's mount is cloned by the newer calls only: without them it is refused."""
    name = f"lacking-{uuid.uuid4().hex[:8]}"
    here = Kernel(room, log, programs, programs)
    first = Probe().add("met", f"touch /workspace/up; {wait_for('[ -e /workspace/end ]')}")
    log_at = log.position()
    refusals = set()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(join, here, source, name, first)
        try:
            meet = Probe().add("met", wait_for("[ -e /workspace/up ]"))
            started(join(here, source, name, meet))
            for number, call in called.items():
                kernel = Kernel(room, log, without(room, programs, [number]), programs)
                result = join(kernel, source, name, Probe().add("met", "test -e /workspace/up"))
                if result.started:
                    assert result.facts.status("met") == 0
                else:
                    refused(result, "session", call)
                    refusals.add(call)
        finally:
            join(here, source, name, Probe().add("end", "touch /workspace/end"))
            facts = started(running.result())
            execute([programs["oci-cnb"], "session", "rm", name])
    assert facts.status("met") == 0, log.since(log_at)
    assert refusals == NEEDED_TO_JOIN
