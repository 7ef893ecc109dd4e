"""Containers that are started again, entered, or live beside others."""

import uuid

import pytest

from kit import source as tree
from kit import traces
from kit.checks import overlay_at, started
from kit.engine import must
from kit.probe import Facts, Probe, wait_for


@pytest.fixture
def named(podman):
    """A container's name; what bears it is removed at the end."""
    name = f"lab-{uuid.uuid4().hex[:8]}"
    yield name
    podman.call(None, "rm", "--force", "--time", "0", name)


def create(podman, hooks, name, request, *options):
    result = podman.call(hooks, "create", "--name", name, *options, *podman.create_options(request))
    assert result.status == 0, str(result)


def collect(podman, hooks, ask):
    """podman tells no hook that a container was removed: the next container's hook finds out."""
    started(podman.run(ask(Probe().script()), hooks))


def test_restart_keeps_the_upper(podman, hooks, ask, named):
    probe = Probe().basics().tree("before")
    probe.add("writes", "cd /workspace; echo run >> count; rm -f README.md; mkdir -p node_modules")
    probe.add("count", "wc -l < /workspace/count")
    create(podman, hooks, named, ask(probe.script()))
    for run in (1, 2, 3):
        facts = started(podman.call(hooks, "start", "--attach", named))
        overlay_at(facts)
        assert facts.cwd == "/workspace"
        assert facts.text("count").strip() == str(run)
        assert (b"README.md" in facts.paths("before")) == (run == 1)
        assert (b"node_modules" in facts.paths("before")) == (run > 1)
    must(podman.command(hooks, "rm", named))
    collect(podman, hooks, ask)


def test_podman_restart_of_a_running_container(podman, hooks, ask, named):
    wait = "trap 'exit 0' TERM; echo begin >> /workspace/starts; while :; do sleep 1 & wait $!; done"
    create(podman, hooks, named, ask(wait))
    must(podman.command(hooks, "start", named))
    must(podman.command(hooks, "restart", "--time", "5", named))
    probe = Probe().add("mounts", "cat /proc/self/mountinfo")
    probe.add("starts", wait_for("[ $(wc -l < /workspace/starts) = 2 ]"))
    facts = started(podman.call(hooks, "exec", named, "sh", "-c", probe.script()))
    overlay_at(facts)
    assert facts.status("starts") == 0
    must(podman.command(hooks, "rm", "--force", "--time", "0", named))
    collect(podman, hooks, ask)


def test_exec_sees_the_workspace(podman, hooks, ask, named):
    """The mounts are the container's; environment and cwd of exec are not promised (README)."""
    create(podman, hooks, named, ask("exec sleep 1000"))
    must(podman.command(hooks, "start", named))
    probe = Probe().basics().tree().add("write", "echo x > /workspace/from-exec")
    facts = started(podman.call(hooks, "exec", named, "sh", "-c", probe.script()))
    overlay_at(facts)
    assert facts.paths() == tree.visible_paths()
    assert facts.status("write") == 0
    again = Probe().add("read", "cat /workspace/from-exec")
    facts = started(podman.call(hooks, "exec", named, "sh", "-c", again.script()))
    assert facts.text("read") == "x"
    must(podman.command(hooks, "rm", "--force", "--time", "0", named))
    collect(podman, hooks, ask)


def test_removed_container_leaves_nothing(podman, hooks, ask, named):
    """Killed, then removed by force: the hook of the next container collects its scratch."""
    create(podman, hooks, named, ask("echo x > /workspace/x; exec sleep 1000"))
    must(podman.command(hooks, "start", named))
    must(podman.command(hooks, "kill", "--signal", "KILL", named))
    must(podman.command(hooks, "rm", "--force", "--time", "0", named))
    collect(podman, hooks, ask)
    assert traces.settled(traces.sessions, []) == []


def test_much_scratch_goes_without_a_wait(engine, hooks, ask):
    """More than poststop removes while the runtime waits: the rest is gone, with the process that
    removes it, when this test is looked at (nothing_left)."""
    probe = Probe().add("write", "cd /workspace; for n in $(seq 3000); do : > new-$n || exit 1; done")
    facts = started(engine.run(ask(probe.script()), hooks))
    assert facts.status("write") == 0
    assert traces.settled(traces.sessions, []) == []


def test_a_stopped_container_keeps_its_scratch_while_others_come(podman, hooks, ask, named):
    """Collecting must not take what a container that can be started again still has."""
    probe = Probe().add("seen", "cat /workspace/mine").add("write", "echo x >> /workspace/mine")
    create(podman, hooks, named, ask(probe.script()))
    started(podman.call(hooks, "start", "--attach", named))
    collect(podman, hooks, ask)
    facts = started(podman.call(hooks, "start", "--attach", named))
    assert facts.text("seen") == "x"
    must(podman.command(hooks, "rm", named))
    collect(podman, hooks, ask)


def test_pod_with_two_containers(podman, hooks, ask, named):
    """Two containers of one pod over one source: two workspaces, one untouched source."""
    must(podman.command(hooks, "pod", "create", "--infra=false", "--share=", "--name", named))
    try:
        members = []
        for letter in "ab":
            name = f"{named}-{letter}"
            # Both run at the same time: each waits for the test's word.
            script = f"echo {letter} > /workspace/{letter}; exec sleep 1000"
            create(podman, hooks, name, ask(script), "--pod", named)
            members.append(name)
        must(podman.command(hooks, "pod", "start", named))
        for name, own, other in zip(members, "ab", "ba", strict=True):
            probe = Probe().basics()
            probe.add("own", wait_for(f"[ -s /workspace/{own} ]"))
            probe.add("other", f"cat /workspace/{other}").tree()
            facts = started(podman.call(hooks, "exec", name, "sh", "-c", probe.script()))
            overlay_at(facts)
            assert facts.status("own") == 0
            assert facts.status("other") != 0
            assert facts.paths() == tree.visible_paths() | {own.encode()}
    finally:
        must(podman.command(hooks, "pod", "rm", "--force", "--time", "0", named))
    collect(podman, hooks, ask)


def test_two_containers_at_once_over_one_source(engine, hooks, ask):
    """Their hooks run side by side; each gets its own upper."""
    from concurrent.futures import ThreadPoolExecutor

    def one(number):
        probe = Probe().tree("before").add("write", f"echo {number} > /workspace/n{number}")
        return engine.run(ask(probe.script()), hooks)

    with ThreadPoolExecutor(3) as pool:
        for facts in map(started, pool.map(one, range(3))):
            assert facts.paths("before") == tree.visible_paths()
            assert facts.status("write") == 0


def test_failed_command_gives_its_exit_code(engine, hooks, ask):
    result = engine.run(ask("echo ran; exit 42"), hooks)
    assert (result.status, result.stdout) == (42, b"ran\n")


def test_log_of_info_is_short(engine, hooks, ask):
    """What is normal is not told; with log=debug it is."""
    quiet = engine.run(ask(Probe().script()), hooks)
    started(quiet)
    assert len(quiet.log.splitlines()) <= 4, quiet.log
    annotations = {"io.cnb.hooks.role": "dev", "io.cnb.hooks.log": "debug"}
    loud = engine.run(ask(Probe().script(), annotations=annotations), hooks)
    started(loud)
    assert "oci-cnb-createruntime" in loud.log
    assert len(loud.log.splitlines()) > len(quiet.log.splitlines())


def test_facts_reader_sees_what_is_missing():
    """The harness itself: no start line, no facts."""
    assert not Facts(b"").started
    assert not Facts(b"noise\n").started
