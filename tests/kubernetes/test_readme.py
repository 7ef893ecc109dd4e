"""The commands of packaging/kubernetes/README.md, in their order, with kubectl and buildah, on a real containerd.

Debian packages no API server: api_server.py stands in for it, cluster.py and kubelet.py for what acts on its objects.
"""

import re
import shutil

import pytest

from api_server import ApiServer
from cluster import NODE, Cluster
from conftest import CHECKOUT, configuration, untouched_node
from kit import oci_image
from kit.engine import must
from kit.pages import examples
from kubelet import Kubelet, await_true
from terminal import Terminal

pytestmark = pytest.mark.containerd_since((1, 7))
README = CHECKOUT / "packaging/kubernetes/README.md"
POD = CHECKOUT / "packaging/kubernetes/examples/dev-pod.yaml"
NAMESPACE = "oci-cnb-hooks"
PLACEHOLDERS = {"REGISTRY": "localhost", "NODE": NODE, "POD": "cnb-dev"}


@pytest.fixture(scope="module")
def node(room):
    yield from untouched_node(room / "readme")


@pytest.fixture
def checkout(room, programs):
    """A built checkout, as far as the page's commands need one."""
    path = room / "checkout"
    shutil.copytree(CHECKOUT / "packaging/kubernetes", path / "packaging/kubernetes")
    shutil.copytree(programs["oci-cnb"].parent, path / "build/release/bin")
    return path


@pytest.fixture
def api(checkout):
    with ApiServer(checkout) as api:
        yield api


@pytest.fixture
def cluster(api, node, source):
    with Cluster(api.objects, Kubelet(node, claims={"source": source})) as cluster:
        yield cluster


def named(text):
    return re.sub(r"\b(?:REGISTRY|NODE|POD)\b", lambda found: PLACEHOLDERS[found[0]], text)


@pytest.fixture
def terminal(checkout, api, node):
    def push():
        """To the node itself."""
        name = "localhost/oci-cnb-hooks:0.1.0"
        archive = checkout / "image.tar"
        must(["buildah", "push", name, f"docker-archive:{archive}:{name}"])
        node.import_images(archive)
        return ""

    def restart():
        node.stop()
        node.start()
        return ""

    return Terminal(checkout, api, [(named(command), named("\n".join(expected)).splitlines())
                                    for command, expected in examples(README.read_text())],
                    {"buildah push localhost/oci-cnb-hooks:0.1.0": push, "systemctl restart containerd": restart})


def test_its_commands(terminal, api, cluster, node):
    """What arrives at the server is what is asked for, and what is run: a pod waits for its node."""
    before = configuration()
    objects = api.objects
    terminal.type_until("rollout status daemonset/oci-cnb-nri")
    assert objects.names("runtimeclasses") == ["cnb"] and NAMESPACE in objects.names("namespaces")
    daemon = objects.get("daemonsets", "oci-cnb-nri", NAMESPACE)
    assert daemon["status"]["numberReady"] == 1
    labels = objects.get("namespaces", NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    assert configuration() != before

    terminal.run("kubectl apply -f -", POD.read_text().replace("IMAGE", oci_image.name("basic")))
    terminal.type_until("oci-cnb-hooks/ready=true")
    assert objects.get("nodes", NODE)["metadata"]["labels"]["oci-cnb-hooks/ready"] == "true"
    shell = None

    def listed():
        nonlocal shell
        if objects.get("pods", "cnb-dev", "default").get("status", {}).get("phase") != "Running":
            return False
        shell = cluster.container("pods", "default", "cnb-dev", "shell")
        return b"src\n" in shell.output()

    await_true(listed, lambda: shell and shell.output())
    assert shell.exec("sh", "-c", "pwd; ls -d node_modules 2>/dev/null; echo x > made && cat made")[1] == \
        "/workspace\nx\n"

    terminal.type_until("delete -k nodes")
    assert terminal.is_done()
    assert "oci-cnb-hooks/ready" not in objects.get("nodes", NODE)["metadata"]["labels"]
    for plural in ("pods", "daemonsets", "runtimeclasses"):
        assert objects.names(plural) == []
    assert objects.names("namespaces") == ["default"]
    assert configuration() == before
