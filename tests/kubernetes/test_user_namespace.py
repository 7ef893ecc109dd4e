"""Pods with `hostUsers: false`: the runtime maps their ids, and on containerd 2 their volumes, too."""

import pytest

from kit import containerd, traces
from kit import source as tree
from kit.checks import overlay_at
from kit.pod import Refused, Volume, user_namespace
from kit.probe import Probe
from plugin import Plugin

pytestmark = pytest.mark.containerd_since((1, 7))
FIRST = 100_000  # what the host calls the pod's root


@pytest.fixture(scope="module", params=["runc", "crun"])
def node(request, room, serve):
    yield from serve(room / f"users-{request.param}", "--based-on", request.param)


@pytest.fixture(scope="module", autouse=True)
def plugin(node, programs):
    service = Plugin(programs["oci-cnb-nri"], node).start()
    yield
    assert service.stop() == 0, service.log()


@pytest.fixture
def pod(make_pod):
    return make_pod(user_namespace=user_namespace(FIRST))


class Unmapped(Volume):
    """A volume that is mounted with the host's ids: those of the pod own nothing in it."""

    def message(self, mappings=()):
        return super().message()


@pytest.mark.parametrize("volume", [Volume, Unmapped])
def test_it_is_served(pod, source, volume):
    """What every pod is promised, seen from inside; and the host's ids are not the pod's."""
    probe = Probe().basics().tree().stat([b"README.md"]).lookup(sorted(tree.masked_paths()))
    probe.add("map", "cat /proc/self/uid_map")
    probe.add("writes", "cd /workspace && echo x > new && echo x >> src/main.c && rm README.md && "
                        "mkdir node_modules && touch /layers/x && stat -c %u new src/main.c")
    probe.add("off", "umount /workspace || mount -o remount,rw /workspace/..")
    if volume is Volume and containerd.version() < (2, 0):
        with pytest.raises(Refused, match="idmap mounts not yet supported"):  # containerd's own words
            pod.create(probe.script(), volumes=[volume(source, "/workspace")])
        return
    facts = pod.run(probe.script(), volumes=[volume(source, "/workspace")])
    assert facts.text("map").split()[:2] == ["0", str(FIRST)]
    assert "rw" in overlay_at(facts).options
    assert len([mount for mount in facts.mounts() if mount.target == "/workspace"]) == 1
    assert facts.paths() == tree.visible_paths()
    assert facts.found(sorted(tree.masked_paths())) == set()
    assert facts.cwd == "/workspace" and facts.env["CNB_APP_DIR"] == "/workspace"
    assert facts.stat([b"README.md"])[b"README.md"][1] == 0
    assert facts.lines("writes") == ["0", "0"] and facts.status("writes") == 0
    assert facts.status("off") != 0
    upper = traces.state_directory() / "sessions" / f"p-{pod.uid}" / "upper"
    assert {entry.name: entry.lstat().st_uid for entry in upper.iterdir()}["new"] == FIRST


def test_containers_share_it(pod, source):
    """One after another and at once."""
    volumes = [Unmapped(source, "/workspace")]
    first = pod.start("echo a > /workspace/a; exec sleep 1000", name="first", volumes=volumes)
    assert first.exec("rm", "/workspace/README.md")[0] == 0
    second = pod.start("exec sleep 1000", name="second", volumes=volumes)
    assert second.exec("sh", "-c", "cat /workspace/a && echo b > /workspace/b") == (0, "a\n")
    assert first.exec("cat", "/workspace/b") == (0, "b\n")
    first.stop()
    second.stop()
    facts = pod.run(Probe().basics().tree().script(), name="third", volumes=volumes)
    overlay_at(facts)
    assert facts.paths() == tree.visible_paths() - {b"README.md"} | {b"a", b"b"}


def test_a_process_that_is_not_root(pod, make_source):
    """runAsUser in the pod's ids, over a source that root owns on the host."""
    probe = Probe().basics().add("write", "touch /workspace/x && stat -c %u /workspace/x")
    facts = pod.run(probe.script(), user=1001, volumes=[Unmapped(make_source(), "/workspace")])
    assert facts.status("write") == 0 and facts.text("write") == "1001"
