"""Containers that share a session: at once, one after another, and what is refused."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit.checks import overlay_at, refused, started
from kit.engine import execute, must
from kit.probe import Probe, wait_for


@pytest.fixture
def session(programs):
    """A session's name; the session is removed at the end."""
    name = f"lab-{uuid.uuid4().hex[:8]}"
    yield name
    must([programs["oci-cnb"], "session", "rm", name])


def sharing(name, role="dev", **more):
    annotations = {"io.cnb.hooks.role": role, "io.cnb.hooks.session": name}
    return annotations | {f"io.cnb.hooks.{key}": value for key, value in more.items()}


def listed(programs, name):
    found = json.loads(must([programs["oci-cnb"], "session", "list", "--json"]).stdout)
    return next(one for one in found if one["name"] == name and one["kind"] == "named")


def test_one_after_another(engine, hooks, ask, session):
    for run in range(5):
        probe = Probe().basics()
        probe.add("runs", "cat /workspace/runs /layers/runs | wc -l")
        probe.add("write", "echo x >> /workspace/runs; echo x >> /layers/runs")
        facts = started(engine.run(ask(probe.script(), annotations=sharing(session)), hooks))
        overlay_at(facts)
        assert facts.text("runs").strip() == str(2 * run)


def test_another_source_is_refused(engine, hooks, ask, make_source, session, programs):
    started(engine.run(ask(Probe().script(), annotations=sharing(session)), hooks))
    other = ask(Probe().script(), source=make_source(), annotations=sharing(session))
    line = refused(engine.run(other, hooks), "session", "another source")
    told = must([programs["oci-cnb"], "session", "log", session]).stdout.decode()
    assert f"@n-{session} error {line}" in told


def test_a_reader_sees_and_cannot_write(engine, hooks, ask, session):
    probe = Probe().add("write", "echo x > /workspace/written")
    started(engine.run(ask(probe.script(), annotations=sharing(session)), hooks))
    probe = Probe().add("seen", "cat /workspace/written").add("write", "echo y > /workspace/y")
    request = ask(probe.script(), annotations=sharing(session, workspace="readonly"))
    facts = started(engine.run(request, hooks))
    assert facts.text("seen") == "x"
    assert facts.status("write") != 0


def test_ten_at_once_meet_in_one_workspace(podman, hooks, ask, session):
    """Each waits until it has seen all ten."""

    def one(number):
        probe = Probe().basics().add("write", f"echo > /workspace/at-{number}")
        probe.add("met", wait_for("[ $(ls /workspace | grep -c ^at-) = 10 ]"))
        return podman.run(ask(probe.script(), annotations=sharing(session)), hooks)

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(one, range(10)))
    # A container that didn't start is why the others waited in vain: it is told first.
    for facts in [started(result) for result in results]:
        overlay_at(facts)
        assert facts.status("met") == 0


def test_a_joined_container_outlives_the_first(podman, hooks, ask, session, programs):
    names = [f"{session}-{letter}" for letter in "ab"]
    try:
        for name in names:
            request = ask("exec sleep 1000", annotations=sharing(session))
            must(podman.command(hooks, "create", "--name", name, *podman.create_options(request)))
            must(podman.command(hooks, "start", name))
        must(podman.command(hooks, "exec", names[0], "sh", "-c", "echo x > /workspace/x"))
        told = podman.command(None, "inspect", "--format", "{{.Id}} {{.State.Pid}}", *names)
        ids, pids = zip(*(line.split() for line in must(told).stdout.decode().splitlines()))
        members = listed(programs, session)["members"]
        assert {(one["container"], str(one["pid"])) for one in members} == set(zip(ids, pids))
        remove = [programs["oci-cnb"], "session", "rm", session]
        assert "running" in execute(remove).stderr
        must(podman.command(hooks, "kill", "--signal", "KILL", names[0]))
        must(podman.command(hooks, "rm", "--force", "--time", "0", names[0]))
        assert listed(programs, session)["state"] == "running"
        assert [one["container"] for one in listed(programs, session)["members"]] == [ids[1]]
        seen = must(podman.command(hooks, "exec", names[1], "cat", "/workspace/x"))
        assert seen.stdout == b"x\n"
        must(podman.command(hooks, "restart", "--time", "0", names[1]))
        seen = must(podman.command(hooks, "exec", names[1], "cat", "/workspace/x"))
        assert seen.stdout == b"x\n"
    finally:
        for name in names:
            podman.call(None, "rm", "--force", "--time", "0", name)
