"""What is left of a pod that is removed: nothing, whoever was killed before."""

import concurrent.futures
import os
import signal
import time

import pytest

from kit import traces
from kit.pod import Pod
from plugin import Plugin

pytestmark = pytest.mark.containerd_since((1, 7))
PATIENCE = 60  # seconds; it takes one


@pytest.fixture(scope="module")
def node(room, serve):
    """On one runtime: what is collected is what the hooks have written down, whoever called them."""
    yield from serve(room / "removal", "--based-on", "runc")


@pytest.fixture(scope="module")
def service(node, programs):
    return Plugin(programs["oci-cnb-nri"], node)


@pytest.fixture
def plugin(service):
    service.start()
    yield service
    assert service.stop() == 0, service.log()


def await_true(condition, describe):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, describe()
        time.sleep(0.05)  # between two looks at what another process does


def await_scratch(plugin, expected):
    """The plugin has collected all sessions but these, and what they held."""
    trash = traces.state_directory() / "trash"
    await_true(
        lambda: traces.sessions() == expected and not list(trash.iterdir()),
        lambda: f"{traces.describe(traces.sessions())}, {list(trash.iterdir())}\n{plugin.log()}",
    )


def session_of(pod):
    return f"p-{pod.uid}"


def upper_of(pod):
    return traces.state_directory() / "sessions" / session_of(pod) / "upper"


def writer(pod, workspace, name="main"):
    """A container that has written its name to the workspace and runs on."""
    container = pod.start(f"echo {name} > /workspace/{name}; exec sleep 1000", name=name, volumes=[workspace])
    await_true((upper_of(pod) / name).exists, lambda: f"{name} wrote nothing")
    return container


def test_a_removed_pod(make_pod, workspace, plugin):
    """Session, uppers and mounts go with it; those of other pods stay."""
    mounts = traces.mounts()
    stays, goes = make_pod(), make_pod()
    for pod in (stays, goes):
        for name in ("first", "second"):
            writer(pod, workspace, name)
    assert traces.sessions() == sorted([session_of(stays), session_of(goes)])
    goes.remove()
    await_scratch(plugin, [session_of(stays)])
    assert sorted(os.listdir(upper_of(stays))) == ["first", "second"]
    stays.remove()
    await_scratch(plugin, [])
    assert traces.settled(traces.mounts, mounts) == mounts


def test_pods_removed_at_once(make_pod, workspace, plugin):
    with concurrent.futures.ThreadPoolExecutor(5) as workers:
        pods = list(workers.map(lambda _: make_pod(), range(10)))
        list(workers.map(lambda pod: pod.start("exec sleep 1000", volumes=[workspace]), pods))
        assert len(traces.sessions()) == 10
        list(workers.map(Pod.remove, pods))
    await_scratch(plugin, [])


def test_a_pod_whose_sandbox_is_made_anew(node, make_pod, workspace, plugin):
    """The kubelet does so when the old one has died, removes that later, and expects what was there."""
    old = make_pod()
    writer(old, workspace)
    node.client.StopPodSandbox(pod_sandbox_id=old.id)
    new = make_pod(uid=old.uid)
    old.remove()
    # Collected is what another pod has left meanwhile, and this one's isn't.
    other = make_pod()
    writer(other, workspace)
    other.remove()
    await_scratch(plugin, [session_of(old)])
    container = new.start("exec sleep 1000", name="again", volumes=[workspace])
    assert container.exec("cat", "/workspace/main") == (0, "main\n")


def test_a_pod_removed_while_nobody_listened(make_pod, workspace, service):
    """The plugin learns it when it is synchronised."""
    service.start()
    pod = make_pod()
    writer(pod, workspace)
    service.stop(signal.SIGKILL)
    pod.remove()
    assert traces.sessions() == [session_of(pod)]
    service.start()
    await_scratch(service, [])
    assert service.stop() == 0, service.log()


def test_containerd_shims_and_plugin_killed(node, make_pod, workspace, service):
    """All at once, with a container at work. What they come back to is a pod that the kubelet removes."""
    service.start()
    pod = make_pod()
    writer(pod, workspace)
    shims = node.shims()
    assert shims
    service.send(signal.SIGKILL)
    node.kill()
    for pid in shims:
        os.kill(pid, signal.SIGKILL)
    service.stop(signal.SIGKILL)
    node.start()
    service.start()
    assert traces.sessions() == [session_of(pod)]
    pod.remove()
    await_scratch(service, [])
    assert service.stop() == 0, service.log()
