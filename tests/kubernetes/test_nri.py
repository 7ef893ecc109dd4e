"""oci-cnb-nri and the handler with its guard, on containerd 1.7 and later."""

import concurrent.futures
import json
import signal

import pytest

from kit import source as tree
from kit.checks import overlay_at
from kit.engine import execute
from kit.pod import DEV, Refused
from kit.probe import Probe
from plugin import Plugin

pytestmark = pytest.mark.containerd_since((1, 7))
BUILD = {"io.cnb.hooks.role": "build"}


@pytest.fixture(scope="module", params=["runc", "crun"])
def node(request, room, serve):
    """containerd with the plugin's handler, and no plugin yet."""
    yield from serve(room / f"nri-{request.param}", "--based-on", request.param)


@pytest.fixture(scope="module")
def service(node, programs):
    return Plugin(programs["oci-cnb-nri"], node)


@pytest.fixture
def plugin(service):
    """Running, and stopped in good order."""
    service.start()
    yield service
    assert service.stop() == 0, service.log()


def test_a_pod_that_opted_in(make_pod, workspace, plugin):
    probe = Probe().basics().tree().add("write", "echo x > /workspace/new && touch /layers/x")
    facts = make_pod().run(probe.script(), volumes=[workspace])
    overlay_at(facts)
    assert facts.paths() == tree.visible_paths()
    assert facts.cwd == "/workspace"
    assert facts.env["CNB_APP_DIR"] == "/workspace" and facts.env["CNB_PLATFORM_API"] == "0.12"
    assert facts.status("write") == 0


def test_a_pod_that_did_not_opt_in(make_pod, workspace, plugin):
    facts = make_pod({}, "runc").run(Probe().basics().tree().script(), volumes=[workspace])
    assert facts.mount("/workspace").type != "overlay"
    assert facts.paths() == tree.visible_paths() | tree.masked_paths()
    assert facts.cwd == "/" and not [name for name in facts.env if name.startswith("CNB_")]


def test_on_another_handler(make_pod, workspace, plugin, log):
    """NRI works for every handler; the working directory is the pod's to set."""
    pod = make_pod(DEV, "runc")
    overlay_at(pod.run(Probe().basics().script(), volumes=[workspace], working_dir="/workspace"))
    position = log.position()
    with pytest.raises(Refused):
        pod.start("true", name="elsewhere", volumes=[workspace], working_dir="/tmp")
    assert "give the pod's container workingDir: /workspace" in log.since(position)


def test_a_build_role_needs_nothing_of_the_pod(make_pod, workspace, plugin):
    """Unlike without NRI: the mode comes from the plugin, the working directory from the handler."""
    facts = make_pod(BUILD).run(
        Probe().basics().script(), image="builder", volumes=[workspace], working_dir="/workspace"
    )
    overlay_at(facts)
    assert facts.env["CNB_EXPERIMENTAL_MODE"] == "warn"


def findings(programs):
    """{check: what doctor says of it} of what it finds about pods."""
    report = json.loads(execute([programs["oci-cnb"], "doctor", "--json"]).stdout)
    return {one["check"]: (one["status"], one["what"]) for one in report["findings"]}


def test_doctor_tells_whether_the_plugin_is_connected(node, programs, service):
    assert findings(programs)["runtime-handler"] == (
        "ok", 'handler "cnb" calls /opt/oci-cnb-hooks/current/oci-cnb-guard')
    assert findings(programs)["nri"] == ("fail", "oci-cnb-nri doesn't run")
    service.start()
    assert findings(programs)["nri"] == ("ok", f"oci-cnb-nri is connected to {node.nri_socket}")
    assert service.stop() == 0, service.log()


@pytest.mark.parametrize(
    "annotations, fragment",
    [
        ({}, "io.cnb.hooks.role"),
        ({"io.cnb.hooks.rol": "dev"}, "did you mean"),
        ({"io.cnb.hooks.role": "/etc"}, "role"),
        ({**DEV, "io.cnb.hooks.ignore-file": "/etc/shadow"}, "ignore-file"),
        ({**DEV, "io.cnb.hooks.workspace-path": "../../etc"}, "workspace-path"),
    ],
)
def test_what_is_refused_is_told_to_the_pods_author(make_pod, workspace, plugin, annotations, fragment):
    """The text is in the answer to CreateContainer: the kubelet makes an event of it."""
    with pytest.raises(Refused) as refused:
        make_pod(annotations).create("true", volumes=[workspace])
    assert fragment in str(refused.value)


def test_no_source(make_pod, plugin):
    with pytest.raises(Refused, match="/workspace"):
        make_pod().create("true")


def must_not_start(pod, workspace, name):
    with pytest.raises(Refused):
        pod.start("true", name=name, volumes=[workspace])


def test_guard_without_a_plugin(make_pod, workspace):
    """NRI fails open; the guard doesn't. A forged mark is no help: its value is the id."""
    must_not_start(make_pod(), workspace, "plain")
    must_not_start(make_pod({**DEV, "io.cnb.nri.adjusted": "yes"}), workspace, "forged")


def test_guard_with_a_slow_plugin(make_pod, workspace, service):
    """Stopped, it answers nothing for longer than NRI waits (2 s)."""
    service.start()
    pod = make_pod()
    service.send(signal.SIGSTOP)
    try:
        must_not_start(pod, workspace, "slow")
    finally:
        service.send(signal.SIGCONT)
    # The runtime has hung up; the plugin comes back by itself.
    service.await_gone()
    service.await_ready()
    overlay_at(pod.run(Probe().basics().script(), name="after", volumes=[workspace]))
    assert service.stop() == 0


def test_guard_with_a_plugin_killed_in_the_call(make_pod, workspace, service):
    """Killed while the runtime waits for its answer."""
    service.start()
    pod = make_pod()
    service.send(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(1) as worker:
        call = worker.submit(must_not_start, pod, workspace, "killed")
        service.stop(signal.SIGKILL)
        call.result()
    service.start()
    overlay_at(pod.run(Probe().basics().script(), name="after", volumes=[workspace]))
    assert service.stop() == 0


def test_containerd_restarted(node, make_pod, workspace, plugin):
    """The plugin connects again, running containers go on, new ones are adjusted."""
    pod = make_pod()
    container = pod.start("echo a > /workspace/a; exec sleep 1000", volumes=[workspace])
    node.kill()
    plugin.await_gone()
    node.start()
    plugin.await_ready()
    assert container.exec("cat", "/workspace/a") == (0, "a\n")
    overlay_at(pod.run(Probe().basics().script(), name="later", volumes=[workspace]))


def test_fifty_pods_at_once(make_pod, workspace, plugin):
    def one(_):
        facts = make_pod().run(Probe().basics().script(), volumes=[workspace])
        return overlay_at(facts).type

    with concurrent.futures.ThreadPoolExecutor(10) as workers:
        assert set(workers.map(one, range(50))) == {"overlay"}


def test_five_phases_of_one_pod(make_pod, workspace, plugin):
    """Init containers, one after another: each finds what those before it wrote."""
    pod = make_pod()
    for number, phase in enumerate(("analyze", "detect", "restore", "build", "export")):
        probe = Probe().basics().add("before", "cat /workspace/phases /layers/phases")
        probe.add("write", f"echo {phase} | tee -a /workspace/phases >> /layers/phases")
        facts = pod.run(probe.script(), name=phase, volumes=[workspace])
        overlay_at(facts)
        assert len(facts.lines("before")) == 2 * number
        assert facts.status("write") == 0


def test_two_containers_of_one_pod(make_pod, workspace, plugin):
    """At once, they see one workspace."""
    pod = make_pod()
    first = pod.start("exec sleep 1000", name="first", volumes=[workspace])
    second = pod.start("exec sleep 1000", name="second", volumes=[workspace])
    assert first.exec("sh", "-c", "echo a > /workspace/a")[0] == 0
    assert second.exec("cat", "/workspace/a") == (0, "a\n")
    assert second.exec("rm", "/workspace/README.md")[0] == 0
    assert first.exec("ls", "/workspace/README.md")[0] != 0
