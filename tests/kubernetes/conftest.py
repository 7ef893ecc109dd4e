"""A node: containerd with our runtime handler, installed by `oci-cnb node install`.

Run it through the lab, once for each containerd (1.6, 1.7, 2.1):

    tests/lab/enter host|trixie|sid python3 -m pytest tests/kubernetes
"""

import os
import pathlib
import tempfile

import pytest

from kit import containerd as containerd_kit
from kit import traces
from kit.containerd import Containerd
from kit.engine import must
from kit.fixtures import log, make_source, source  # noqa: F401  (fixtures)
from kit.hooks import find_programs, stage_copy
from kit.pod import Pod, Volume
from kit.selection import keep

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = pathlib.Path("/etc/containerd/config.toml")
IMAGES = ("pause", "basic", "builder", "user1001", "link-to-etc", "hostile")


def pytest_configure():
    if not os.environ.get("OCI_CNB_IN_LAB") or os.geteuid() != 0:
        raise pytest.UsageError(
            "these tests make pods: run them as tests/lab/enter [host|trixie|sid] "
            "python3 -m pytest tests/kubernetes"
        )


def pytest_collection_modifyitems(config, items):
    """A test of something that this containerd lacks isn't part of this run at all."""
    version = containerd_kit.version()

    def fits(item):
        since = item.get_closest_marker("containerd_since")
        return since is None or version >= since.args[0]

    keep(config, items, fits)


@pytest.fixture(scope="session")
def room():
    """A directory on a real file system for the whole run, removed by the lab."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="k-"))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def programs(room):
    found = find_programs(CHECKOUT)
    beside = found["oci-cnb-createruntime"].parent
    found |= {name: beside / name for name in ("oci-cnb-guard", "oci-cnb-nri")}
    return stage_copy(found, room / "programs")


def configuration():
    """{path: contents} of what containerd may read."""
    return {path: path.read_bytes() for path in CONFIG.parent.rglob("*") if path.is_file()}


def untouched_node(directory, *archives):
    """containerd as an administrator has it, before anything of ours; archives: images beside IMAGES."""
    node = Containerd(directory, config=CONFIG).configure().start()
    for archive in archives:
        node.import_images(archive)
    node.load(*IMAGES)
    yield node
    node.sweep()
    node.stop()
    CONFIG.unlink()


@pytest.fixture(scope="session")
def serve(programs):
    """serve(directory, *options of `oci-cnb node install`): containerd with our handler. At the end
    the machine is as it was. imported: see Containerd.configure; words: another command."""

    def make(directory, *options, imported=None, words=(("node", "install"), ("node", "uninstall"))):
        node = Containerd(directory, config=CONFIG).configure(imported)
        before = configuration()
        must([programs["oci-cnb"], *words[0], *options])
        node.start()
        node.load(*IMAGES)
        yield node
        node.sweep()
        node.stop()
        assert traces.settled(node.shims, {}) == {}
        must([programs["oci-cnb"], *words[1]])
        assert configuration() == before
        assert not pathlib.Path("/opt/oci-cnb-hooks").exists()
        for path in before:
            path.unlink()

    return make


@pytest.fixture(scope="module", params=["runc", "crun"])
def node(request, room, serve):
    """containerd whose handler `cnb` does without NRI, on this runtime."""
    yield from serve(room / f"spec-{request.param}", "--without-nri", "--based-on", request.param)


@pytest.fixture
def workspace(source):  # noqa: F811
    """What a pod mounts at /workspace."""
    return Volume(source, "/workspace")


@pytest.fixture
def make_pod(node):
    """make_pod(annotations=..., handler="cnb", ...): removed when the test ends."""
    made = []

    def make(annotations=None, handler="cnb", **options):
        made.append(Pod(node, annotations, handler, **options))
        return made[-1]

    yield make
    for pod in made:
        pod.remove()


def collect_pods(programs):
    """A pod's session outlives its sandbox by ten minutes, and goes with the next collection."""
    sessions = traces.state_directory() / "sessions"
    for name in traces.sessions():
        if name.startswith("p-"):
            os.utime(sessions / name, (0, 0))
    must([programs["oci-cnb"], "session", "gc"])


@pytest.fixture(autouse=True)
def nothing_left(node, programs):
    """No mount, no shim, no scratch outlives a test. First of all fixtures: it ends last."""
    mounts, sessions = traces.mounts(), traces.sessions()
    yield
    assert traces.settled(node.shims, {}) == {}
    assert traces.settled(traces.mounts, mounts) == mounts
    # Twice: what was killed is found dead first, and its time begins then.
    collect_pods(programs)
    collect_pods(programs)
    left = traces.settled(lambda: [name for name in traces.sessions() if name not in sessions], [])
    assert left == [], f"scratch was left behind: {traces.describe(left)}"
