"""The pod of packaging/doc/containerd.md, with kubectl, on a node that the page's other commands have set up.

tests/packaging types the whole page, where there is no kubectl.
"""

import re

import pytest

from api_server import ApiServer
from cluster import Cluster
from conftest import CHECKOUT
from kit import oci_image
from kit.pages import examples
from kubelet import Kubelet
from plugin import Plugin
from terminal import Terminal

pytestmark = pytest.mark.containerd_since((1, 7))
PAGE = CHECKOUT / "packaging/doc/containerd.md"


@pytest.fixture(scope="module")
def node(room, serve):
    yield from serve(room / "page", words=(("install", "containerd"), ("uninstall", "containerd")))


@pytest.fixture
def project(room, node):
    """As the page begins, with the image that it names."""
    archive = room / "busybox.tar"
    archive.write_bytes(oci_image.archive("basic", called="localhost/busybox:latest"))
    node.import_images(archive)
    path = room / "project"
    (path / "node_modules/dep").mkdir(parents=True)
    (path / ".dockerignore").write_text("node_modules\n")
    (path / "main.c").write_text("int main;\n")
    return path


def test_its_pod(project, node, programs, room):
    plugin = Plugin(programs["oci-cnb-nri"], node).start()
    commands = [example for example in examples(PAGE.read_text())
                if re.search(r"^kubectl |\bpod\.yaml$|^cat > pod\.yaml", example[0], re.MULTILINE)]
    assert len(commands) == 5
    with ApiServer(room) as api, Cluster(api.objects, Kubelet(node)) as cluster:
        api.show_logs_of(cluster)
        terminal = Terminal(project, api, commands)
        terminal.type_until("kubectl delete pod try")
        assert terminal.is_done()
        assert api.objects.names("pods") == [] and api.objects.names("runtimeclasses") == ["cnb"]
    assert sorted(path.name for path in project.iterdir()) == [".dockerignore", "main.c", "node_modules", "pod.yaml"]
    assert plugin.stop() == 0, plugin.log()
