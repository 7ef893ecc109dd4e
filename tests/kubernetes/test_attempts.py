"""What a pod's author can write into a manifest beside the ordinary, with the plugin on containerd."""

import pytest

from kit import cri, traces
from kit import source as tree
from kit.checks import overlay_at
from kit.engine import must
from kit.pod import DEV, Refused, Volume
from kit.probe import Probe
from plugin import Plugin

pytestmark = pytest.mark.containerd_since((1, 7))


@pytest.fixture(scope="module", params=["runc", "crun"])
def node(request, room, serve):
    yield from serve(room / f"attempts-{request.param}", "--based-on", request.param)


@pytest.fixture(scope="module", autouse=True)
def plugin(node, programs):
    service = Plugin(programs["oci-cnb-nri"], node).start()
    yield
    assert service.stop() == 0, service.log()


def seen_on_the_host(source):
    return [mount for mount in traces.mounts() if mount[0].startswith(source)]


@pytest.mark.parametrize("propagation", [cri.FROM_HOST, cri.BOTH_WAYS])
def test_mount_propagation(make_pod, source, propagation):
    """Neither the overlay nor what a privileged container mounts into it comes out on the host."""
    volumes = [Volume(source, "/workspace", propagation=propagation)]
    container = make_pod(privileged=True).start("exec sleep 1000", volumes=volumes, privileged=True)
    assert seen_on_the_host(source) == []
    script = "grep ' /workspace ' /proc/mounts && mkdir /workspace/m && mount -t tmpfs none /workspace/m"
    code, output = container.exec("sh", "-c", script)
    assert code == 0 and output.startswith("cnb-") and " overlay " in output
    assert seen_on_the_host(source) == []


def test_a_privileged_container_takes_the_overlay_off(make_pod, source):
    """Below it there is nothing of the source; make_source checks that this is unchanged."""
    pod = make_pod(privileged=True)
    container = pod.start("exec sleep 1000", volumes=[Volume(source, "/workspace")], privileged=True)
    assert container.exec("ls", "/workspace/README.md")[0] == 0
    script = "cd / && umount -l /workspace && touch /workspace/x && ls -A /workspace"
    assert container.exec("sh", "-c", script) == (0, "x\n")


def test_a_privileged_container_makes_a_read_only_volume_writable(make_pod, source):
    """To an upper, if to anything: the source stays as it is, which make_source checks."""
    pod = make_pod(privileged=True)
    volumes = [Volume(source, "/workspace", readonly=True)]
    container = pod.start("exec sleep 1000", volumes=volumes, privileged=True)
    container.exec("sh", "-c", "mount -o remount,rw /workspace; echo x > /workspace/README.md")


def test_annotations_of_one_container(make_pod, workspace):
    """NAME/container.CONTAINER wins over NAME/pod; a container without a role isn't let in by the guard."""
    annotations = {
        "io.cnb.hooks.role/container.app": "dev",
        "io.cnb.hooks.workspace/pod": "overlay",
        "io.cnb.hooks.workspace/container.app": "readonly",
    }
    pod = make_pod(annotations)
    probe = Probe().basics().add("write", "touch /workspace/x")
    facts = pod.run(probe.script(), name="app", volumes=[workspace])
    assert "ro" in overlay_at(facts).options and facts.status("write") != 0
    with pytest.raises(Refused, match="io.cnb.hooks.role/container.other"):
        pod.create("true", name="other", volumes=[workspace])


def test_annotations_of_the_container_itself(make_pod, workspace):
    """The kubelet hands some on, a pod's author can't write any: they count like the pod's."""
    pod = make_pod({})
    with pytest.raises(Refused, match="is set by the NRI plugin only"):
        pod.create("true", volumes=[workspace], annotations={**DEV, "io.cnb.nri.adjusted": "x"})
    facts = pod.run(Probe().basics().script(), name="own", volumes=[workspace], annotations=DEV)
    overlay_at(facts)


def test_a_container_that_is_restarted(make_pod, workspace):
    """A new container of the same name finds what the one before wrote."""
    pod = make_pod()
    for attempt in range(3):
        script = "cat /workspace/runs 2>/dev/null; echo run >> /workspace/runs; exit 3"
        container = pod.start(script, attempt=attempt, volumes=[workspace])
        assert container.wait() == 3
        assert container.output() == b"run\n" * attempt
        container.remove()


def test_an_empty_dir_in_memory(make_pod, tmp_path):
    """medium: Memory, mode 0777 as the kubelet makes it, for a process of another user."""
    must(["mount", "-t", "tmpfs", "-o", "mode=777", "none", tmp_path])
    try:
        volumes = [Volume(tree.make(tmp_path / "volume", 1001), "/workspace")]
        probe = Probe().basics().tree().add("write", "touch /workspace/x && rm /workspace/README.md")
        pod = make_pod()
        facts = pod.run(probe.script(), user=1001, volumes=volumes)
        overlay_at(facts)
        assert facts.paths() == tree.visible_paths() and facts.status("write") == 0
        assert (tmp_path / "volume/README.md").exists() and not (tmp_path / "volume/x").exists()
        pod.remove()
    finally:
        must(["umount", tmp_path])
