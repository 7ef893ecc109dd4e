"""The image, and the DaemonSet's containers as `kubectl kustomize` renders them, on a real containerd."""

import json

import pytest

from kit import traces
from kit.checks import overlay_at
from kit.engine import must
from kit.pod import DEV, Volume
from kit.probe import Probe
from conftest import CHECKOUT, CONFIG, untouched_node
from kubelet import Kubelet, await_true

pytestmark = pytest.mark.containerd_since((1, 7))
KUBERNETES = CHECKOUT / "packaging/kubernetes"
IMAGE = "oci-cnb-hooks:0.1.0"  # as the manifests name it
MARK = "# BEGIN oci-cnb-hooks"


def render(directory):
    """The spec of the DaemonSet's pod."""
    text = must(["kubectl", "kustomize", KUBERNETES / directory]).stdout
    text = must(["kubectl", "annotate", "--local", "-f", "-", "a=b", "-o", "json"], stdin=text).stdout.decode()
    while text.strip():
        one, end = json.JSONDecoder().raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        if one["kind"] == "DaemonSet":
            return one["spec"]["template"]["spec"]
    raise AssertionError("no DaemonSet")


@pytest.fixture(scope="module")
def image(room, programs):
    """From the directory with the programs."""
    archive = room / "hooks.tar"
    must(["buildah", "build", "--isolation", "chroot", "-f", KUBERNETES / "Containerfile", "-t", IMAGE,
          programs["oci-cnb"].parent])
    must(["buildah", "push", IMAGE, f"docker-archive:{archive}:{IMAGE}"])
    return archive


@pytest.fixture(scope="module")
def node(room, image):
    yield from untouched_node(room / "daemonset", image)


@pytest.fixture
def run(node):
    """run(pod, DIRECTORY, CONTAINER): of a DaemonSet's, with the volumes that it mounts."""
    kubelet = Kubelet(node)

    def start(pod, directory, name, attempt=0):
        return kubelet.start(pod, render(directory), name, attempt)

    return start


def test_install_serve_uninstall(node, run, make_pod, source):
    """The whole life, with nothing but what the manifests ask for."""
    before = CONFIG.read_bytes()
    daemon = make_pod({}, "runc", host_pid=True)
    install = run(daemon, "overlays/containerd", "install")
    assert install.wait() == 0, install.output()
    assert MARK in CONFIG.read_text()
    installed = CONFIG.read_bytes()
    assert b"restart containerd" in install.output()
    again = run(daemon, "overlays/containerd", "install", attempt=1)
    assert again.wait() == 0 and b"restart" not in again.output()
    assert CONFIG.read_bytes() == installed
    node.stop()
    node.start()

    nri = run(daemon, "overlays/containerd", "nri")
    (asked,) = render("overlays/containerd")["containers"]
    probe = asked["readinessProbe"]["exec"]["command"]
    await_true(lambda: nri.exec(*probe)[0] == 0, nri.output)
    pod = make_pod(DEV, "cnb")
    script = Probe().basics().add("write", "mkdir -m 700 /workspace/d && touch /workspace/d/x").script()
    facts = pod.run(script, user=1001, volumes=[Volume(source, "/workspace")])
    overlay_at(facts)
    assert facts.status("write") == 0
    # What another user closed to all is collected with the capabilities that are asked for.
    pod.remove()
    await_true(lambda: traces.sessions() == [], nri.output)
    nri.stop(timeout=60)
    assert nri.wait() == 0, nri.output()

    uninstall = run(daemon, "uninstall", "uninstall")
    assert uninstall.wait() == 0, uninstall.output()
    assert CONFIG.read_bytes() == before
